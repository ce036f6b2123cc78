"""Requests of every kind and size, thousands of them, to one function."""
