"""One request before the first: what is imported, built or allocated on first use is there then."""

import numpy as np

from predict.gateway import Handler
from serving.model import Model
from serving.settings import Names


def warm_up(handler: Handler, model: Model, names: Names) -> None:
    """Send the golden input through the whole handler, as a document.

    The answer does not matter: that the model gives it was checked when the model was opened.
    """
    golden = np.asarray(model.passport.golden.input, dtype=np.float64)
    shape, values = (" ".join(map(str, numbers)) for numbers in (golden.shape, golden.ravel()))
    body = f'<warmup><{names.matrix} shape="{shape}">{values}</{names.matrix}></warmup>'
    http = {"method": "POST", "path": "/predictions", "sourceIp": "127.0.0.1"}
    handler(
        {
            "version": "2.0",
            "rawQueryString": "",
            "headers": {"content-type": "application/xml"},
            "requestContext": {"http": http},
            "body": body,
            "isBase64Encoded": False,
        },
        None,
    )
