"""The XML document, streamed through a hardened expat: no DTD, no entities, bounded everything.

Expat validates faster than anyone reads numbers, and numbers are nearly all of a document. So the
runs of numbers are cut out of the bytes and converted at once (`runs`), and expat reads what is
left: it says what is a matrix, and each run was proven to be the whole content of one. What is not
plainly such a run stays in, and is read tag by tag (`collector`).
"""

import re
from collections.abc import Iterator
from typing import BinaryIO
from xml.sax import SAXParseException

from defusedxml import DefusedXmlException
from defusedxml.expatreader import DefusedExpatParser

from serving.documents.collector import Collector
from serving.documents.matrix import Matrix
from serving.documents.runs import RunReader
from serving.errors import (
    MalformedError,
    RequestTooLargeError,
    TooLargeError,
    UnsupportedError,
)
from serving.settings import Limits, Names
from serving.signature import TensorSpec

CHUNK_BYTES = 262_144
_LONGEST_RUN_BYTES = 8_000_000
_LONGEST_CUT_TAG_BYTES = 1_000
# Below, what is saved is less than what cutting costs.
_SHORTEST_RUN_BYTES = 300
# A document that is mostly not made of such runs is not searched for them to its end.
_MOST_MISSES = 100
# Older releases of expat read an unfinished token again with every chunk: quadratic time.
_LONGEST_TOKEN_BYTES = 1_000_000
# What expat decodes itself; Python's other codecs can turn one document into two meanings.
_ENCODINGS = frozenset({"utf-8", "utf-16", "iso-8859-1", "us-ascii"})
# In the bytes of UTF-16 other characters can look like a tag and numbers.
_UTF_16 = (b"\xfe\xff", b"\xff\xfe", b"\0")


def read(
    source: BinaryIO,
    spec: TensorSpec,
    names: Names,
    limits: Limits,
    *,
    chunk_bytes: int = CHUNK_BYTES,
    cut_runs: bool = True,
    shortest_run_bytes: int = _SHORTEST_RUN_BYTES,
) -> Iterator[Matrix]:
    """Yield the matrices of an XML document; see `serving.documents.read_document`.

    Args:
        cut_runs: False reads everything tag by tag: the same, slowly.
        shortest_run_bytes: what is shorter is not cut out.
    """
    parser = _Parser(forbid_dtd=True)
    parser.collector = collector = Collector(spec, names, limits, parser)
    cutter = _Cutter(parser, names, shortest_run_bytes) if cut_runs else None
    rest = b""
    while chunk := source.read(chunk_bytes):
        if parser.fed_bytes == 0 and not rest and _is_utf_16(chunk):
            cutter = None
        if cutter is None:
            parser.take(chunk)
        else:
            rest = cutter.take(rest + chunk)
        _check_markup(parser, limits)
        yield from collector.take()
    parser.take(rest)
    parser.end()
    yield from collector.take()


def _check_markup(parser: "_Parser", limits: Limits) -> None:
    """What is read tag by tag costs thirty times what is cut out."""
    if parser.fed_bytes > limits.markup_bytes:
        raise RequestTooLargeError(
            f"more than {limits.markup_bytes:,} bytes of markup: tags, comments, blanks outside of "
            "matrices, and numbers that are not plainly a run",
            line=parser.line(),
        )
    if parser.tags > limits.tags:
        raise RequestTooLargeError(
            f"more than {limits.tags:,} tags, beside those of values that are plainly a run",
            line=parser.line(),
        )


def _is_utf_16(head: bytes) -> bool:
    return head.startswith(_UTF_16) or head[1:2] == b"\0"


class _Parser(DefusedExpatParser):
    """defusedxml's parser with our handlers set on expat itself.

    The layer of xml.sax between them costs as much as all the rest, for a tag around every number.

    Attributes:
        fed_bytes, tags: how much it was given, without what was cut out.
    """

    collector: Collector
    fed_bytes = 0
    tags = 0
    _cut_lines = 0
    _cut_columns = (0, 0)  # on which line of what was fed, and how many

    def reset(self) -> None:
        super().reset()
        expat = self._parser  # type: ignore[attr-defined]  # typeshed leaves it out
        expat.XmlDeclHandler = self._declaration
        expat.StartElementHandler = self.collector.start
        expat.EndElementHandler = self.collector.end
        expat.CharacterDataHandler = self.collector.characters
        # No one reads it: a call for each, which would also cut the text around it.
        expat.ProcessingInstructionHandler = None
        # Else every line break is a call of its own.
        expat.buffer_text = True
        expat.buffer_size = 65_536
        # Newer releases put off what a chunk cuts, and then say nothing of a tag that it ends with.
        # What they guard against is bounded here by _LONGEST_TOKEN_BYTES.
        if hasattr(expat, "SetReparseDeferralEnabled"):
            expat.SetReparseDeferralEnabled(False)
        self._expat = expat

    def take(self, data: bytes) -> None:
        """Read on.

        Raises:
            MalformedError: not well-formed, or with a DTD.
            UnsupportedError: in another encoding.
            TooLargeError: a tag, comment or instruction is too long.
            InvalidInputError: what the collector refuses.
        """
        if not data:
            return
        self.fed_bytes += len(data)
        self.tags += data.count(b"<")
        self._run(data)
        if self.fed_bytes - self.offset() > _LONGEST_TOKEN_BYTES:
            raise TooLargeError(
                f"a tag, comment or instruction of more than {_LONGEST_TOKEN_BYTES:,} bytes",
                line=self.line(),
            )

    def end(self) -> None:
        """The document ends here; raises as `take` does."""
        self._run(None)

    def cut(self, run: bytes) -> None:
        """Leave out white space or numbers that stand here; counts their lines and columns."""
        line, column = self._expat.CurrentLineNumber, self._expat.CurrentColumnNumber
        before = self._cut_columns[1] if self._cut_columns[0] == line else 0
        # Counting is much slower than looking whether there is one.
        breaks = run.count(b"\n") if b"\n" in run else 0
        if b"\r" in run:
            breaks += run.count(b"\r") - run.count(b"\r\n")
        if breaks:
            last = max(run.rfind(b"\n"), run.rfind(b"\r"))
            before = -column
            run = run[last + 1 :]
        self._cut_lines += breaks
        self._cut_columns = (line, before + len(run))

    def line(self) -> int:
        return int(self.getLineNumber()) + self._cut_lines

    def offset(self) -> int:
        return int(self._expat.CurrentByteIndex)

    def _run(self, data: bytes | None) -> None:
        try:
            self.close() if data is None else self.feed(data)
        except SAXParseException as cause:
            # The text before it comes first, whether or not a chunk ended between them.
            self._expat.buffer_text = False
            line, column = cause.getLineNumber() or 1, cause.getColumnNumber() or 0
            if line == self._cut_columns[0]:
                column += self._cut_columns[1]
            raise MalformedError(
                f"not well-formed XML: {cause.getMessage()} (column {column})",
                line=line + self._cut_lines,
            ) from cause
        except DefusedXmlException as cause:
            raise MalformedError(
                "a DTD (<!DOCTYPE …>), and with it any entity, is forbidden", line=self.line()
            ) from cause
        except ValueError as cause:  # an encoding that Python knows and expat cannot use
            raise UnsupportedError(f"not readable: {cause}; send UTF-8", line=1) from cause

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.lower() not in _ENCODINGS:
            raise UnsupportedError(
                f'encoding "{encoding[:40]}" is not read here: send UTF-8', line=1
            )


class _Cutter:
    """Cuts the runs of numbers out of what a parser is fed."""

    def __init__(self, parser: _Parser, names: Names, shortest_run_bytes: int) -> None:
        self._parser = parser
        self._shortest_run_bytes = shortest_run_bytes
        self._runs = RunReader(names.value)
        name = re.escape(names.matrix.encode())
        self._tag = re.compile(rb"<((?:[A-Za-z_][\w.-]*:)?" + name + rb")(?:[ \t\r\n][^<>]*)?>")
        rare = [c for c in names.matrix if c not in names.value + "0123456789+-.eE"]
        self._letter = rare[0].encode() if rare else b""
        # Else the end of a <value> would look like that of a <val>.
        self._closing_end = b">" if names.value.startswith(names.matrix) else b""
        self._closing = b""  # of the matrix that is open, where its run may be cut
        self._searched_bytes = 0  # for it
        self._misses = 0

    def take(self, data: bytes) -> bytes:
        """Feed the parser; returns what has to wait for more."""
        at = 0
        while self._misses < _MOST_MISSES:
            if not self._closing:
                tag = self._tag.search(data, at)
                if tag is None or not self._open(tag, data[at : tag.end()]):
                    at = at if tag is None else tag.end()
                    break
                at = tag.end()
            if (end := self._end(data, at)) is None:
                return data[at:]
            run = data[at:end] if end > 0 else b""
            if end > 0 and self._convert(run):
                self._parser.cut(run)
                self._misses = max(0, self._misses - 1)
                at = end
            else:
                self._misses += 1
        return self._take_rest(data, at)

    def _open(self, tag: re.Match[bytes], data: bytes) -> bool:
        """Feed the parser up to the end of a tag; whether that opened a matrix, as it seems.

        It may be in a comment, which is fed no further in small pieces, or in a CDATA section.
        """
        parser = self._parser
        offset = parser.fed_bytes + len(data) - len(tag[0])
        parser.take(data)
        if parser.offset() == parser.fed_bytes and parser.collector.opens_at(offset):
            self._closing = b"</" + tag[1] + self._closing_end
            return True
        self._misses += 1
        return False

    def _end(self, data: bytes, at: int) -> int | None:
        """Where the run ends that starts at `at`; None if more is needed to say, -1 if far off."""
        end = self._find_closing(data, at + self._searched_bytes)
        if end < 0 and len(data) - at <= _LONGEST_RUN_BYTES:
            self._searched_bytes = max(0, len(data) - at - len(self._closing))
            return None
        self._closing, self._searched_bytes = b"", 0
        return end

    def _find_closing(self, data: bytes, at: int) -> int:
        """By a letter that no run has, where there is one: ten times faster than by the tag."""
        if self._letter:
            inside = self._closing.index(self._letter)
            found = data.find(self._letter, at + inside)
            if found < 0:
                return -1
            if data.startswith(self._closing, found - inside):
                return found - inside
        return data.find(self._closing, at)

    def _convert(self, run: bytes) -> bool:
        if len(run) < self._shortest_run_bytes:
            return False
        as_elements = b"<" in run
        values = self._runs.values(run) if as_elements else self._runs.text(run)
        if values is None:
            return False
        return self._parser.collector.take_all(values, as_elements=as_elements)

    def _take_rest(self, data: bytes, at: int) -> bytes:
        """All, but for a tag that the end of the data cuts."""
        last = data.rfind(b"<", at)
        is_cut = last >= 0 and data.find(b">", last) < 0
        end = last if is_cut and len(data) - last < _LONGEST_CUT_TAG_BYTES else len(data)
        self._parser.take(data[at:end])
        return data[end:]
