"""The Open Inference Protocol, statement by statement: rows, their checks, and the page of them."""
