"""What the person who waits sees on stderr: one line that is redrawn, or a line at each tenth."""

import shutil
import time
from collections.abc import Callable
from typing import TextIO

_BAR = 24
_REDRAW_S = 0.1


class Progress:
    """Says how far it is; silent where that was asked for."""

    def __init__(self, stream: TextIO, *, quiet: bool = False) -> None:
        self._stream = stream
        self._quiet = quiet
        self._redraws = stream.isatty()
        self._stage = ""
        self._tenth = -1
        self._drawn = 0  # characters of the line that stands there
        self._next_s = 0.0

    def show(self, stage: str, share: float, text: str) -> None:
        """How far a stage is, from 0 to 1; called as often as one likes."""
        if self._quiet:
            return
        share = min(max(share, 0.0), 1.0)
        is_new = stage != self._stage
        if is_new:
            self.end()
        tenth, now_s = int(share * 10), time.monotonic()
        if self._redraws and (is_new or share == 1 or now_s >= self._next_s):
            self._draw(stage, share, text)
            self._next_s = now_s + _REDRAW_S
        elif not self._redraws and (is_new or tenth > self._tenth):
            self._write(f"{stage} {share:4.0%}  {text}\n")
        self._stage, self._tenth = stage, tenth

    def say(self, text: str) -> None:
        """A line of its own."""
        if not self._quiet:
            self.end()
            self._write(f"{text}\n")

    def end(self) -> None:
        """Leave the line that was redrawn; what follows begins on its own."""
        if self._drawn:
            self._write("\n")
            self._drawn = 0
        self._stage, self._tenth = "", -1

    def _draw(self, stage: str, share: float, text: str) -> None:
        full = round(share * _BAR)
        line = f"{stage} [{'#' * full}{' ' * (_BAR - full)}] {share:4.0%}  {text}"
        line = line[: shutil.get_terminal_size().columns - 1]
        self._write("\r" + line.ljust(self._drawn))
        self._drawn = len(line)

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:  # the terminal is gone; the document is not
            self._quiet = True


def upload_meter(progress: Progress, size_bytes: int) -> Callable[[int], None]:
    """What to call with the bytes of each chunk that was sent."""
    started_s, sent_bytes = time.monotonic(), 0

    def on_sent(chunk_bytes: int) -> None:
        nonlocal sent_bytes
        # What stands around the file in the request is sent as well.
        sent_bytes = min(sent_bytes + chunk_bytes, size_bytes)
        rate = sent_bytes / max(time.monotonic() - started_s, 0.001) / 1e6
        text = f"{sent_bytes / 1e6:,.1f} of {size_bytes / 1e6:,.1f} MB, {rate:,.1f} MB/s"
        progress.show("sending", sent_bytes / size_bytes, text)

    return on_sent
