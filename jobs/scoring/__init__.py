"""Documents in bulk, on Spark: what the service would answer to each, in one Parquet."""
