"""What libraries say, without its text: that may quote a document, an address or a name.

Who speaks and from where is enough to find the line of code.
"""

import logging
import sys
import threading
import warnings
from pathlib import PurePath
from typing import Any

from predict.telemetry.facts import describe, place
from serving.errors import ConfigurationError

log = logging.getLogger(__name__)

# Their text is known: our own; and what make serve says when it starts and ends.
_TRUSTED = ("predict.", "uvicorn.error")
# It would say the address of each request, in a line of its own.
_TALKATIVE = ("mangum",)
_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
_OF_LAMBDA = frozenset({"aws_request_id", "tenant_id"})


def silence(level: str = "WARNING") -> None:
    """Let nothing but names and places out, for the rest of the process.

    Args:
        level: from which on libraries are heard at all.

    Raises:
        ConfigurationError: there is no such level.
    """
    if level.upper() not in logging.getLevelNamesMapping():
        raise ConfigurationError(f'POWERTOOLS_LOG_LEVEL is "{level[:40]}": expected INFO or so')
    logging.getLogger().setLevel(level.upper())
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.setLogRecordFactory(_record)
    for handler in logging.getLogger().handlers:
        handler.addFilter(_strip)
    warnings.showwarning = _on_warning
    threading.excepthook = _on_thread
    sys.unraisablehook = _on_unraisable


def _record(*args: Any, **more: Any) -> logging.LogRecord:
    """A record, made safe before any handler sees it."""
    record = logging.LogRecord(*args, **more)
    if not str(record.name).startswith(_TRUSTED):
        record.msg = f"{record.name} at {PurePath(record.pathname).name}:{record.lineno}"
        record.args = ()
    if record.exc_info:
        error = record.exc_info[1]
        record.msg = f"{record.msg}: {describe(error) if error else 'no error'}"
    record.exc_info = record.exc_text = record.stack_info = None
    return record


def _strip(record: logging.LogRecord) -> bool:
    """Take off what a library adds of its own: Lambda's formatter would write it too."""
    if not record.name.startswith(_TRUSTED):
        for name in vars(record).keys() - _USUAL - _OF_LAMBDA:
            delattr(record, name)
    return True


def _on_warning(
    message: Warning | str,  # noqa: ARG001
    category: type[Warning],
    filename: str,
    lineno: int,
    file: Any = None,  # noqa: ARG001
    line: str | None = None,  # noqa: ARG001
) -> None:
    log.warning("%s at %s:%d", category.__name__, PurePath(filename).name, lineno)


def _on_thread(failed: threading.ExceptHookArgs) -> None:
    log.error("thread: %s at %s", failed.exc_type.__name__, place(failed.exc_traceback))


def _on_unraisable(failed: Any) -> None:
    log.error("ignored: %s at %s", failed.exc_type.__name__, place(failed.exc_traceback))
