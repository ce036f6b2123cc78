"""The afternoon version's handler."""

from functools import partial

from bench.afternoon import handler
from bench.sides.requests import handle

COMMANDS = {"handle": partial(handle, handler)}
