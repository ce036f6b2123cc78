"""The XML document, streamed through a hardened expat: no DTD, no entities, bounded everything.

`<matrix>` holds either blank-separated numbers or one `<value>` element per number. Elements
around the matrices are of no interest; inside a matrix nothing else is tolerated, since what is
skipped there could be a measurement.
"""

from collections.abc import Callable, Iterator
from typing import BinaryIO, NoReturn
from xml.sax import SAXParseException

from defusedxml import DefusedXmlException
from defusedxml.expatreader import DefusedExpatParser

from serving.documents.matrix import Matrix, check_id
from serving.documents.numbers import Numbers, is_blank
from serving.errors import (
    InvalidInputError,
    MalformedError,
    TooLargeError,
    UnsupportedError,
)
from serving.settings import Limits, Names
from serving.signature import Shape, TensorSpec, parse_shape

_CHUNK_BYTES = 65_536
# Older releases of expat read an unfinished token again with every chunk: quadratic time.
_LONGEST_TOKEN_BYTES = 1_000_000
# What expat decodes itself; Python's other codecs can turn one document into two meanings.
_ENCODINGS = frozenset({"utf-8", "utf-16", "iso-8859-1", "us-ascii"})


def read(source: BinaryIO, spec: TensorSpec, names: Names, limits: Limits) -> Iterator[Matrix]:
    """Yield the matrices of an XML document; see `serving.documents.read_document`."""
    parser = _Parser(forbid_dtd=True)
    parser.collector = collector = _Collector(spec, names, limits, parser.getLineNumber)
    read_bytes = 0
    while chunk := source.read(_CHUNK_BYTES):
        _parse(parser, chunk)
        read_bytes += len(chunk)
        if read_bytes - parser.position() > _LONGEST_TOKEN_BYTES:
            raise TooLargeError(
                f"a tag, comment or instruction of more than {_LONGEST_TOKEN_BYTES:,} bytes",
                line=parser.getLineNumber(),
            )
        yield from collector.take()
    _parse(parser, None)
    yield from collector.take()


class _Parser(DefusedExpatParser):
    """defusedxml's parser with our handlers set on expat itself.

    The layer of xml.sax between them costs as much as all the rest, for a tag around every number.
    """

    collector: "_Collector"

    def reset(self) -> None:
        super().reset()
        expat = self._parser  # type: ignore[attr-defined]  # typeshed leaves it out
        expat.XmlDeclHandler = self._declaration
        expat.StartElementHandler = self.collector.start
        expat.EndElementHandler = self.collector.end
        expat.CharacterDataHandler = self.collector.characters
        # Else every line break is a call of its own.
        expat.buffer_text = True
        expat.buffer_size = _CHUNK_BYTES

    def position(self) -> int:
        """How many bytes are behind the parser; it waits for the end of the token it is in."""
        expat = self._parser  # type: ignore[attr-defined]
        return int(expat.CurrentByteIndex)

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.lower() not in _ENCODINGS:
            raise UnsupportedError(
                f'encoding "{encoding[:40]}" is not read here: send UTF-8', line=1
            )


def _parse(parser: _Parser, chunk: bytes | None) -> None:
    try:
        parser.close() if chunk is None else parser.feed(chunk)
    except SAXParseException as cause:
        line, column = cause.getLineNumber(), cause.getColumnNumber()
        raise MalformedError(
            f"not well-formed XML: {cause.getMessage()} (column {column})", line=line
        ) from cause
    except DefusedXmlException as cause:
        raise MalformedError(
            "a DTD (<!DOCTYPE …>), and with it any entity, is forbidden",
            line=parser.getLineNumber(),
        ) from cause
    except ValueError as cause:  # an encoding that Python knows and expat cannot use
        raise UnsupportedError(f"not readable: {cause}; send UTF-8", line=1) from cause


class _Open:
    """The matrix that is being read."""

    def __init__(self, id: str, line: int, numbers: Numbers) -> None:
        self.id = id
        self.line = line
        self.shape: Shape | None = None
        self.numbers = numbers
        self.value: str | None = None  # text of the <value> that is open
        self.has_text = False
        self.has_values = False


class _Collector:
    """Turns parser events into matrices."""

    def __init__(
        self, spec: TensorSpec, names: Names, limits: Limits, line_of: Callable[[], int]
    ) -> None:
        self._line_of = line_of
        self._spec = spec
        self._names = names
        self._limits = limits
        self._depth = 0
        self._count = 0
        self._open: _Open | None = None
        self._done: list[Matrix] = []

    def take(self) -> list[Matrix]:
        """The matrices completed since the last call."""
        done, self._done = self._done, []
        return done

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > self._limits.depth:
            raise TooLargeError(f"nested deeper than {self._limits.depth}", line=self._line_of())
        local = name.rpartition(":")[2] if ":" in name else name
        if (matrix := self._open) is None:
            if local == self._names.matrix:
                self._start_matrix(attributes)
            return
        if local != self._names.value or matrix.value is not None:
            self._refuse(f"unexpected element <{name[:40]}> on line {self._line_of()}")
        if matrix.has_text:
            self._refuse(f"<{local}> on line {self._line_of()} after numbers outside of it")
        matrix.has_values = True
        matrix.value = ""

    def end(self, _name: str) -> None:
        self._depth -= 1
        if (matrix := self._open) is None:
            return
        try:
            if matrix.value is None:
                self._end_matrix(matrix)
            else:
                matrix.numbers.add_value(matrix.value)
                matrix.value = None
        except InvalidInputError as cause:
            self._place(cause)

    def characters(self, content: str) -> None:
        if (matrix := self._open) is None:
            return
        try:
            if matrix.value == "":
                matrix.value = content
            elif matrix.value is not None:
                matrix.value = matrix.numbers.extend_value(matrix.value, content)
            elif not matrix.has_values:
                matrix.has_text = matrix.has_text or not is_blank(content)
                matrix.numbers.add_text(content)
            elif not is_blank(content):
                raise InvalidInputError(
                    f"text outside of <{self._names.value}> on line {self._line_of()}"
                )
        except InvalidInputError as cause:
            self._place(cause)

    def _start_matrix(self, attributes: dict[str, str]) -> None:
        line, id = self._line_of(), self._id(attributes)
        check_id(id, self._count, self._limits, line)
        numbers = Numbers(self._spec.count, self._limits.matrix_values)
        self._open = _Open(id, line, numbers)
        self._count += 1
        if (shape := attributes.get("shape")) is not None:
            self._open.shape = parse_shape(shape)
            if self._open.shape is None:
                self._refuse(f'shape "{shape[:40]}" is not one: expected numbers, as in "5000 1"')

    def _id(self, attributes: dict[str, str]) -> str:
        """The id, under any prefix but that of a declaration, or the position."""
        if self._names.id in attributes:
            return attributes[self._names.id]
        for name, value in attributes.items():
            prefix, _, local = name.rpartition(":")
            if local == self._names.id and prefix != "xmlns":
                return value
        return str(self._count)

    def _end_matrix(self, matrix: _Open) -> None:
        values = matrix.numbers.finish()
        try:
            shape = self._spec.shape_of(len(values), matrix.shape)
        except ValueError as cause:
            raise InvalidInputError(str(cause)) from cause
        self._done.append(Matrix(matrix.id, values.reshape(shape), matrix.line))
        self._open = None

    def _refuse(self, problem: str) -> NoReturn:
        self._place(InvalidInputError(problem))

    def _place(self, error: InvalidInputError) -> NoReturn:
        """Say which matrix: the numbers know only themselves."""
        if self._open is None:
            raise error
        raise type(error)(error.problem, matrix=self._open.id, line=self._open.line) from error
