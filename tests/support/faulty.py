"""Handlers whose model fails, and says what it was given by every way out that there is.

`api` and `batch` are the real ones around it; the names of `LEAKS` are handlers that let it out.
"""

import base64
import gc
import logging
import os
import sys
import threading
import warnings
from collections.abc import Sequence
from typing import Any, NoReturn

HANDLER = "tests.support.faulty"


class _Dropped:
    def __init__(self, said: str) -> None:
        self._said = said

    def __del__(self) -> None:
        raise ValueError(self._said)


def _fail(said: str) -> NoReturn:
    raise LookupError(said)


def predict(matrices: Sequence[Any]) -> Any:
    """As a library might, that means well."""
    said = f"matrix {matrices[0].id}: {matrices[0].values.ravel()[0]!r}"
    log = logging.getLogger("engine")
    log.error(said)
    log.error("it was %s", said, extra={"matrix": said})
    warnings.warn(said, stacklevel=1)
    thread = threading.Thread(target=_fail, args=(said,))
    thread.start()
    thread.join()
    _Dropped(said)
    gc.collect()
    try:
        _fail(said)
    except LookupError as cause:
        log.exception("failed: %r", cause, stack_info=True)
        raise RuntimeError(said) from cause


if os.environ.get("QUEUE_URL"):
    from predict.batch.handler import batch as batch
    from predict.batch.handler import model

    model.batches = predict  # type: ignore[method-assign]
elif os.environ.get("MODEL_DIR"):
    from predict.handler import api, model

    if os.environ.get("FAULT"):
        model.predict = predict  # type: ignore[method-assign]


def prints(event: Any, context: Any) -> Any:
    """What a tired developer leaves behind."""
    print(event["body"])
    return api(event, context)


def prints_bytes(event: Any, context: Any) -> Any:
    """The same, where the body is no text."""
    print(base64.b64decode(event["body"])[:200])
    return api(event, context)


def prints_base64(event: Any, context: Any) -> Any:
    """The whole event."""
    print(event, file=sys.stderr)
    return api(event, context)


def logs(event: Any, context: Any) -> Any:
    """By a logger whose text is let through."""
    logging.getLogger("predict.leak").warning("%s", event["body"][:200])
    return api(event, context)


def raises(event: Any, context: Any) -> Any:
    """Lambda's own client logs what an error says."""
    api(event, context)
    raise ValueError(event["body"][:200])


def measures(event: Any, context: Any) -> Any:
    """As the name of what is counted."""
    print(f'{{"_aws":{{}},"path":"{event["rawPath"]}"}}')
    return api(event, context)


LEAKS = ("prints", "prints_bytes", "prints_base64", "logs", "raises", "measures")
