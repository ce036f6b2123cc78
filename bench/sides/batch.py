"""Our batch handler."""

from functools import partial

from bench.sides.deliveries import deliver
from predict.batch.handler import batch

COMMANDS = {"document": partial(deliver, batch)}
