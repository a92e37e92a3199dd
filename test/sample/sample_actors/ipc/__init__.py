"""The door: a plain socket for programs that are not actors."""
