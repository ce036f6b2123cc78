"""The afternoon version's batch function."""

from functools import partial

from bench.afternoon_batch import handler
from bench.sides.deliveries import deliver

COMMANDS = {"document": partial(deliver, handler)}
