"""What is told of each request and each document: one line of counts, sizes, places and hashes."""
