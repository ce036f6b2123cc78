"""The tables of docs/ that come from what the software does: `make docs` writes them."""


def cell(text: str) -> str:
    """Text in a cell of a Markdown table."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "&#124;")
