"""What runs inside workers, and who watches over it."""
