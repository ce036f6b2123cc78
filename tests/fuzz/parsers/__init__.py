"""The target "parsers": documents that hypothesis generates, as both readers of XML see them."""
