"""Prints the import roots of pyproject.toml for the Makefile; nothing where Python does not fit."""

import sys

if (3, 11) <= sys.version_info < (3, 14):
    import tomllib

    with open("pyproject.toml", "rb") as file:
        print(":".join(tomllib.load(file)["tool"]["pytest"]["pythonpath"]))
