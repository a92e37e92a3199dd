"""A small word-counting service made of tractor actors.

Worker actors count words; a plain socket (the "door") lets programs that are not
actors ask for a count.
"""
