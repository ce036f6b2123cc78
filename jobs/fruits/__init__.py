"""Fruits: from photographs to features and their principal components."""
