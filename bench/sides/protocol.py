"""Our HTTP handler, asked in any form."""

from functools import partial

from bench.forms import outputs
from bench.sides.requests import handle
from predict.handler import api

COMMANDS = {"handle": partial(handle, api, read=outputs)}
