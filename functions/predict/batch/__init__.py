"""The S3 edge: a queue says which documents came, and each gets a result."""
