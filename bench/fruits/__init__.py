"""Features of images on Spark, as others write them, to be measured beside `jobs/fruits`."""
