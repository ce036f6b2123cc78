"""The target "events": whatever invokes the functions, through their Lambda handlers."""
