"""A client for people who send large documents: python3 -m client FILE. Standard library only."""
