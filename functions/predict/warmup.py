"""Requests before the first: what is imported, built or allocated on first use is there then."""

from time import perf_counter

import numpy as np

from predict.gateway import Event, Handler
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
    event = _event(model, names)
    handler(event, None)
    end = perf_counter() + _AGAIN_S
    while perf_counter() < end:
        handler(event, None)
    return round((perf_counter() - start) * 1e3, 1)


def _event(model: Model, names: Names) -> Event:
    golden = np.asarray(model.passport.golden.input, dtype=np.float64)
    shape = " ".join(map(str, golden.shape))
    # As long as measurements are written, so that the request takes the memory of a real one.
    values = " ".join(f"{value:.16e}" for value in golden.ravel())
    return {
        "version": "2.0",
        "rawQueryString": "",
        "headers": {"content-type": "application/xml"},
        "requestContext": {
            "http": {"method": "POST", "path": "/predictions", "sourceIp": "127.0.0.1"}
        },
        "body": f'<warmup><{names.matrix} shape="{shape}">{values}</{names.matrix}></warmup>',
        "isBase64Encoded": False,
    }
