"""Where actors are, and how to find them."""
