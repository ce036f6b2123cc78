"""Hostile documents and requests, one after another, and what each of them costs."""
