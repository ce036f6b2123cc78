"""Converts npz and npy to the XML document and back, exact to the bit.

`python -m serving.documents.convert IN OUT [--form text|values]`; a name that ends in .gz is
packed. repr() of a float64 is the shortest text that reads back as the same number.
"""

import argparse
import gzip
import io
import sys
from collections.abc import Iterable, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any, BinaryIO, TextIO, cast
from xml.sax.saxutils import quoteattr

import numpy as np

from serving.documents.document import Document, read_document
from serving.documents.matrix import Matrix
from serving.documents.npy import IDS, MATRICES
from serving.errors import InvalidInputError, ServingError
from serving.settings import Limits, Names
from serving.signature import AnyTensor, describe

FORMS = ("text", "values")
_UNLIMITED = 2**62
_PARTIAL = ".partial"


def write_xml(
    file: TextIO,
    matrices: Iterable[Matrix],
    forms: Sequence[str] = ("text",),
    names: Names | None = None,
) -> None:
    """Write the canonical document.

    Args:
        matrices: of any shape; values are written in row-major order.
        forms: "text" (blank-separated) or "values" (one element each), taken in turns.
    """
    names = names or Names()
    file.write("<matrices>\n")
    for matrix, form in zip(matrices, cycle(forms), strict=False):
        shape = " ".join(map(str, matrix.values.shape))
        file.write(f'<{names.matrix} {names.id}={quoteattr(matrix.id)} shape="{shape}">')
        numbers = map(repr, matrix.values.ravel().tolist())
        if form == "text":
            file.write(" ".join(numbers))
        else:
            file.writelines(f"<{names.value}>{n}</{names.value}>" for n in numbers)
        file.write(f"</{names.matrix}>\n")
    file.write("</matrices>\n")


def write_npz(file: BinaryIO, matrices: Sequence[Matrix]) -> None:
    """Write `matrices` (float64, one row each) and `ids`.

    Raises:
        InvalidInputError: the matrices differ in shape.
    """
    wanted = matrices[0].values.shape
    for matrix in matrices:
        if matrix.values.shape != wanted:
            raise InvalidInputError(
                f"shape {describe(matrix.values.shape)} does not fit {describe(wanted)}: "
                "an npz holds matrices of one shape",
                matrix=matrix.id,
                line=matrix.line,
            )
    arrays: dict[str, Any] = {
        MATRICES: np.stack([matrix.values for matrix in matrices]),
        IDS: np.array([matrix.id for matrix in matrices]),
    }
    np.savez(file, **arrays)


def read_any(source: BinaryIO) -> list[Matrix]:
    """Every matrix of a document, in the shape that the document gives it."""
    limits = Limits(
        inflated_bytes=_UNLIMITED,
        markup_bytes=_UNLIMITED,
        tags=_UNLIMITED,
        matrix_values=_UNLIMITED,
    )
    return list(read_document(source, Document(AnyTensor(), limits=limits)))


def main() -> int:
    """Convert one file."""
    parser = argparse.ArgumentParser(prog="make convert", description=__doc__)
    parser.add_argument("source", type=Path, help=".npz, .npy or .xml, also .gz")
    parser.add_argument("target", type=Path, help=".xml, .xml.gz or .npz")
    parser.add_argument("--form", choices=FORMS, default="text", help="of the XML written")
    args = parser.parse_args()
    kind = args.target.name.removesuffix(".gz").rpartition(".")[2]
    if kind not in {"xml", "npz"}:
        print(f"refused: {args.target}: expected a name in .xml, .xml.gz or .npz", file=sys.stderr)
        return 1
    try:
        with args.source.open("rb") as source:
            matrices = read_any(source)
        _write(args.target, kind, matrices, args.form)
    except ServingError as refusal:
        print(f"refused: {args.source}: {refusal}", file=sys.stderr)
        return 1
    except OSError as cause:
        print(f"refused: {_stated(cause, args.target)}: {cause.strerror}", file=sys.stderr)
        return 1
    shapes = {describe(matrix.values.shape) for matrix in matrices}
    shape = shapes.pop() if len(shapes) == 1 else "different shapes"
    print(f"{args.target}: {len(matrices)} matrices of {shape}")
    return 0


def _stated(cause: OSError, target: Path) -> str:
    """The file at fault as it was given, not the partial one that stands in for the target."""
    return str(target) if str(cause.filename).endswith(_PARTIAL) else str(cause.filename)


def _write(target: Path, kind: str, matrices: list[Matrix], form: str) -> None:
    """Beside the target, then in its place: what cannot be written whole is not written."""
    partial = target.with_name(f".{target.name}{_PARTIAL}")
    try:
        _write_file(partial, target.name.endswith(".gz"), kind, matrices, form)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _write_file(path: Path, packed: bool, kind: str, matrices: list[Matrix], form: str) -> None:
    with path.open("wb") as plain:
        file = cast(BinaryIO, gzip.GzipFile(fileobj=plain, mode="wb", mtime=0)) if packed else plain
        if kind == "npz":
            write_npz(file, matrices)
        else:
            with io.TextIOWrapper(file, encoding="utf-8", newline="\n") as text:
                write_xml(text, matrices, (form,))
        if packed:
            file.close()


if __name__ == "__main__":
    sys.exit(main())
