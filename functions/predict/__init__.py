"""The prediction service: a document of matrices in, predictions as JSON out."""
