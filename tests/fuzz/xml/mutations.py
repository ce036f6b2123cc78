"""Documents that are nearly right: a good one with one part changed, or some."""

import re
from collections.abc import Callable
from dataclasses import replace
from random import Random

import numpy as np

from tests.fuzz import texts
from tests.fuzz.packing import PACK
from tests.fuzz.xml import good, tokens, words
from tests.fuzz.xml.arrays import METHODS, Array, saved
from tests.fuzz.xml.case import ENCODINGS, LIMITS, SHAPES, Case

_MOST_BYTES = 12_000  # of the text; what is longer is made by repetition
_MOST_TOKENS = 3_000  # of a text whose tree is changed
_Edit = Callable[[Case, Case, Random], Case]
_SYNTAX = tuple(
    piece.encode(errors="surrogatepass") for piece in (*words.PIECES, *words.NUMBERS, "<", ">")
)


def mutate(case: Case, other: Case, rng: Random) -> Case:
    """A case with some changes, of which the other may give a part."""
    if case.repeat is not None and case.size_bytes > 100_000 and rng.random() < 0.8:
        case = replace(case, repeat=None)  # what is large is slow
    if case.edits and rng.random() < 0.4:
        case = replace(case, edits=())  # what cannot be unpacked tells little
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 5))):
        of_format = _OF_XML if case.format == "xml" else _OF_ARRAYS
        edits = (*of_format, *_OF_ALL)
        [edit] = rng.choices([edit for _, edit in edits], [weight for weight, _ in edits])
        case = edit(case, other, rng)
    return replace(case, text=case.text[:_MOST_BYTES])


def _tree(case: Case, _other: Case, rng: Random) -> Case:
    if case.text.count(b"<") > _MOST_TOKENS:
        return replace(case, text=texts.mutate(case.text, rng, _SYNTAX))
    text = case.text.decode(errors="surrogateescape")
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        text = tokens.mutate(text, rng)
    return replace(case, text=_encoded(text))


def _numbers(case: Case, _other: Case, rng: Random) -> Case:
    text = tokens.renumber(case.text.decode(errors="surrogateescape"), rng)
    return replace(case, text=_encoded(text))


def _encoded(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


def _characters(case: Case, _other: Case, rng: Random) -> Case:
    return replace(case, text=texts.mutate(case.text, rng, _SYNTAX))


def _splice(case: Case, other: Case, rng: Random) -> Case:
    return replace(case, text=texts.splice(case.text, other.text, rng))


def _declaration(case: Case, _other: Case, rng: Random) -> Case:
    text = re.sub(rb"^<\?xml.*?\?>", b"", case.text, count=1, flags=re.DOTALL)
    if rng.random() < 0.8:
        text = rng.choice(words.DECLARATIONS).encode() + text
    return replace(case, text=text)


def _encoding(case: Case, other: Case, rng: Random) -> Case:
    case = replace(case, encoding=rng.choice(ENCODINGS))
    return _declaration(case, other, rng) if rng.random() < 0.5 else case


def _lane(case: Case, _other: Case, rng: Random) -> Case:
    return replace(
        case,
        chunk_bytes=rng.choice((None, 1, 2, 5, 16, 33, 70, 200, 1_000)),
        shortest_run_bytes=rng.choice((0, 0, 0, None, 40)),
    )


def _repeat(case: Case, _other: Case, rng: Random) -> Case:
    """Much of it: of numbers, of values, of matrices, of blanks, of tags."""
    text = case.text
    start = rng.randint(0, len(text))
    if rng.random() < 0.7:
        start = max(text.rfind(rng.choice((b"<", b" ", b"<matrix", b"<value")), 0, start), 0)
    end = min(len(text), start + rng.choice((1, 1, 2, 3, 20, 60)))
    if (
        rng.random() < 0.4
        and (close := text.find(rng.choice((b">", b" ", b"</matrix>")), start)) > 0
    ):
        end = close + 1
    times = rng.choice((2, 5, 40, 300, 300, 4_000, 4_000, 40_000))
    if rng.random() < 0.02:
        times = rng.choice((400_000, 3_000_000, 66_000_000))
    return replace(case, repeat=(start, end, times))


def _shape(case: Case, _other: Case, rng: Random) -> Case:
    if rng.random() < 0.3:
        return replace(case, limits=rng.choice(tuple(LIMITS)))
    return replace(case, shape=rng.choice(tuple(SHAPES)))


def _source(case: Case, _other: Case, rng: Random) -> Case:
    return replace(case, source_bytes=rng.choice((None, None, 1, 2, 5, 6, 17, 1_000, 9_000)))


def _packing(case: Case, _other: Case, rng: Random) -> Case:
    names = tuple(PACK)
    packings = tuple(rng.choice(names) for _ in range(rng.choice((0, 0, 1, 1, 2))))
    return replace(case, packings=packings)


def _damage(case: Case, _other: Case, rng: Random) -> Case:
    position = rng.choice((rng.randrange(16), rng.randrange(4_000), -1, -rng.randint(1, 90)))
    inserted = rng.choice((b"", b"", b"\0", b"PK\3\4", rng.randbytes(1), rng.choice(texts.TOKENS)))
    edit = (position, rng.choice((0, 1, 1, 4, 5_000)), inserted)
    return replace(case, edits=(*case.edits, edit)[-3:])


def _other_format(case: Case, other: Case, rng: Random) -> Case:
    return replace(other, shape=rng.choice((case.shape, other.shape)), packings=case.packings)


def _at(case: Case, rng: Random, change: Callable[[Array], Array]) -> Case:
    """Change one array."""
    if not case.arrays:
        return replace(case, arrays=(("matrices", saved(np.ones((1, 3)))),))
    at = rng.randrange(len(case.arrays))
    arrays = list(case.arrays)
    arrays[at] = arrays[at][0], change(arrays[at][1])
    return replace(case, arrays=tuple(arrays))


def _header(case: Case, _other: Case, rng: Random) -> Case:
    def change(array: Array) -> Array:
        kind = rng.random()
        if kind < 0.3:
            new = re.sub(
                r"'descr': '[^']*'", f"'descr': '{rng.choice(words.DTYPES)}'", array.header
            )
        elif kind < 0.6:
            shape = [rng.choice(words.DIMENSIONS) for _ in range(rng.choice((0, 1, 2, 2, 3, 4)))]
            new = re.sub(r"'shape': \(.*?\)", f"'shape': {tuple(shape)!r}", array.header)
        elif kind < 0.7:
            new = array.header.replace("False", rng.choice(("True", "0", "None", "'a'")))
        elif kind < 0.85:
            new = rng.choice(words.HEADERS)
        else:
            changed = texts.mutate(array.header.encode(), rng, (b"'", b"(", b",", b"True", b"#"))
            new = changed.decode(errors="replace")
        return replace(array, header=new[:70_000])

    return _at(case, rng, change)


def _data(case: Case, _other: Case, rng: Random) -> Case:
    def change(array: Array) -> Array:
        kind = rng.random()
        if kind < 0.5:
            new = rng.choice(words.DOUBLES)
            start = rng.randrange(len(array.data) // len(new) + 1) * len(new)
            data = array.data[:start] + new + array.data[start + len(new) :]
            return replace(array, data=data[: len(array.data)])
        if kind < 0.7:
            return replace(array, data=texts.mutate(array.data, rng, words.DOUBLES)[:_MOST_BYTES])
        if kind < 0.8:
            return replace(array, surplus=rng.choice((b"", b"\0", b"x" * 9)))
        if kind < 0.9:
            return replace(array, version=rng.choice((0, 1, 2, 3, 255)))
        return replace(array, times=rng.choice((0, 2, 30, 2_000)))

    return _at(case, rng, change)


def _large(case: Case, _other: Case, rng: Random) -> Case:
    """Many rows of the same, whose header says so."""
    case = _at(case, rng, lambda _: saved(good.values(case.shape, rng)))
    times = rng.choice((2, 20, 400, 400, 20_000 if rng.random() < 0.1 else 50))
    arrays = [
        (name, replace(array, times=times, header=_rows(array.header, times)))
        for name, array in case.arrays
    ]
    return replace(case, arrays=tuple(arrays[:1]))


def _rows(header: str, times: int) -> str:
    return re.sub(r"\((\d+)", lambda match: f"({int(match[1]) * times}", header, count=1)


def _members(case: Case, other: Case, rng: Random) -> Case:
    arrays = list(case.arrays)
    kind = rng.random()
    if kind < 0.3 and arrays:
        arrays.pop(rng.randrange(len(arrays)))
    elif kind < 0.6 and arrays:
        at = rng.randrange(len(arrays))
        arrays[at] = rng.choice(words.MEMBERS), arrays[at][1]
    else:
        extra = rng.choice((*arrays, *other.arrays, ("ids", saved(np.array(["a", "b", ""])))))
        arrays += [(rng.choice((extra[0], *words.MEMBERS)), extra[1])] * rng.choice((1, 1, 2, 30))
    method = rng.choice((0, 8, 8, *METHODS))
    return replace(
        case,
        arrays=tuple(arrays[:40]),
        method=method,
        format=rng.choice(("npz", "npz", case.format)),
    )


_OF_XML: tuple[tuple[int, _Edit], ...] = (
    *((16, _tree), (14, _numbers), (10, _characters), (2, _splice), (2, _declaration)),
    *((3, _encoding), (6, _lane), (1, _repeat)),
)
_OF_ARRAYS: tuple[tuple[int, _Edit], ...] = (
    *((14, _header), (14, _data), (8, _members), (1, _large)),
)
_OF_ALL: tuple[tuple[int, _Edit], ...] = (
    *((5, _shape), (3, _source), (4, _packing), (4, _damage), (2, _other_format)),
)
