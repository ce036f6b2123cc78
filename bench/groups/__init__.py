"""The groups of rows, in the order of the page; each has `measure(plan)`."""

from collections.abc import Callable
from importlib import import_module

from bench.rows import Plan, Row

TITLES = {
    "start": "Start",
    "request": "One request",
    "memory": "Memory",
    "load": "Load",
    "parsing": "Parsing",
    "streams": "Streams",
    "large": "Large documents",
    "peers": "Peers",
    "protocol": "Forms, and the Open Inference Protocol",
    "fruits": "Fruits",
}


def group(name: str) -> Callable[[Plan], list[Row]]:
    """What measures a group."""
    measure: Callable[[Plan], list[Row]] = import_module(f"bench.groups.{name}").measure
    return measure
