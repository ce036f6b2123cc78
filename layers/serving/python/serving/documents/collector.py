"""From the events of an XML parser to matrices.

`<matrix>` holds either blank-separated numbers or one `<value>` element per number. Elements
around the matrices are of no interest; inside a matrix nothing else is tolerated, since what is
skipped there could be a measurement.
"""

from typing import NoReturn, Protocol

from serving.documents.matrix import Matrix, check_id
from serving.documents.numbers import LONGEST_NUMBER, Numbers, is_blank
from serving.errors import InvalidInputError, TooLargeError
from serving.settings import Limits, Names
from serving.signature import Float64Array, Shape, TensorSpec, parse_shape


class Place(Protocol):
    """Where the parser is, while it calls the collector."""

    def line(self) -> int:
        """The line of the current tag, from 1."""
        ...

    def offset(self) -> int:
        """How many bytes of what was fed stand before the current tag."""
        ...


class _Open:
    """The matrix that is being read."""

    def __init__(self, id: str, line: int, offset: int, numbers: Numbers) -> None:
        self.id = id
        self.line = line
        self.offset = offset
        self.shape: Shape | None = None
        self.numbers = numbers
        self.value: str | None = None  # text of the <value> that is open
        self.has_text = False
        self.has_values = False


class Collector:
    """Turns parser events into matrices."""

    def __init__(self, spec: TensorSpec, names: Names, limits: Limits, place: Place) -> None:
        self._at = place
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

    def opens_at(self, offset: int) -> bool:
        """Whether a matrix is open whose tag is the one there."""
        return self._open is not None and self._open.offset == offset

    def take_all(self, values: Float64Array, *, as_elements: bool) -> bool:
        """Give the open matrix all of its values; False where they must be read one by one."""
        if self._open is None or (as_elements and self._depth >= self._limits.depth):
            return False
        return self._open.numbers.take_all(values)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > self._limits.depth:
            raise TooLargeError(f"nested deeper than {self._limits.depth}", line=self._at.line())
        local = name.rpartition(":")[2] if ":" in name else name
        if (matrix := self._open) is None:
            if local == self._names.matrix:
                self._start_matrix(attributes)
            return
        if local != self._names.value or matrix.value is not None:
            self._refuse(f"unexpected element <{name[:40]}> on line {self._at.line()}")
        if matrix.has_text:
            self._refuse(f"<{local}> on line {self._at.line()} after numbers outside of it")
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
            if matrix.value == "" and len(content) <= LONGEST_NUMBER:
                matrix.value = content
            elif matrix.value is not None:
                matrix.value = matrix.numbers.extend_value(matrix.value, content)
            elif not matrix.has_values:
                matrix.has_text = matrix.has_text or not is_blank(content)
                matrix.numbers.add_text(content)
            elif not is_blank(content):
                raise InvalidInputError(f"text outside of <{self._names.value}>")
        except InvalidInputError as cause:
            self._place(cause)

    def _start_matrix(self, attributes: dict[str, str]) -> None:
        line, id = self._at.line(), self._id(attributes)
        check_id(id, self._count, self._limits, line)
        numbers = Numbers(self._spec.count, self._limits.matrix_values)
        self._open = _Open(id, line, self._at.offset(), numbers)
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
