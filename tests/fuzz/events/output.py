"""All that a function lets out beside its answer: what it prints, and what it logs."""

import io
import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

from predict.telemetry.libraries import silence

_USUAL = frozenset(vars(logging.makeLogRecord({})))


class Output(logging.Handler):
    """What came out."""

    def __init__(self) -> None:
        super().__init__()
        self.file = io.StringIO()

    def emit(self, record: logging.LogRecord) -> None:
        """With all that belongs to the record, as Lambda's own formats have it."""
        more = {name: value for name, value in vars(record).items() if name not in _USUAL}
        self.file.write(f"{record.getMessage()} {more}\n")
        if record.exc_info:
            self.file.write(logging.Formatter().formatException(record.exc_info))

    @property
    def text(self) -> str:
        """All of it."""
        return self.file.getvalue()


@contextmanager
def caught() -> Iterator[Output]:
    """Catch what comes out, with the logging as the functions set it; all is as before after it."""
    output, root, talkative = Output(), logging.getLogger(), logging.getLogger("mangum")
    level, factory, other = root.level, logging.getLogRecordFactory(), talkative.level
    show, on_thread, on_unraisable = warnings.showwarning, threading.excepthook, sys.unraisablehook
    before = root.handlers[:]
    root.handlers = [output]
    try:
        silence("INFO")
        warnings.showwarning = show  # whoever runs this looks at warnings
        with redirect_stdout(output.file), redirect_stderr(output.file):
            yield output
    finally:
        root.handlers = before
        root.setLevel(level)
        talkative.setLevel(other)
        logging.setLogRecordFactory(factory)
        threading.excepthook, sys.unraisablehook = on_thread, on_unraisable
