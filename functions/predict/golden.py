"""Events of an HTTP API that a function is tried with; one is the passport's golden input."""

from typing import Any

import numpy as np

from serving.passport import Golden
from serving.settings import Names

_ADDRESS = {"protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"}


def golden_event(golden: Golden, names: Names) -> dict[str, Any]:
    """POST /predictions with the golden input as XML."""
    values = np.asarray(golden.input, dtype=np.float64)
    shape = " ".join(map(str, values.shape))
    # As long as measurements are written, so that the request takes the memory of a real one.
    text = " ".join(f"{value:.16e}" for value in values.ravel())
    body = f'<golden><{names.matrix} shape="{shape}">{text}</{names.matrix}></golden>'
    event = http_event("POST", "/predictions")
    return event | {"headers": {"content-type": "application/xml"}, "body": body}


def http_event(method: str, path: str) -> dict[str, Any]:
    """A request without a body, in payload format 2.0."""
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {},
        "requestContext": {"http": {"method": method, "path": path, **_ADDRESS}},
        "isBase64Encoded": False,
    }
