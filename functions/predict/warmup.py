"""Requests before the first: what is imported, built or allocated on first use is there then."""

from time import perf_counter

from predict.events import Handler
from predict.golden import golden_event
from serving.model import Model
from serving.settings import Names

# Python makes a function faster once it has run a few times; more than this is not won back.
_AGAIN_S = 0.006


def warm_up(handler: Handler, model: Model, names: Names) -> float:
    """Send the golden input through the whole handler, as a document, once or a few times.

    The answer does not matter: that the model gives it was checked when the model was opened.

    Returns:
        what it took, in milliseconds.
    """
    start = perf_counter()
    event = golden_event(model.passport.golden, names)
    handler(event, None)
    end = perf_counter() + _AGAIN_S
    while perf_counter() < end:
        handler(event, None)
    return round((perf_counter() - start) * 1e3, 1)
