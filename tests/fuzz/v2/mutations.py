"""Requests that are nearly right: a good one with one part changed, or some."""

import re
from collections.abc import Callable
from dataclasses import replace
from random import Random

from tests.fuzz import branches, texts, trees
from tests.fuzz.v2 import words
from tests.fuzz.v2.case import HEADER_BYTES, PACKINGS, TRANSPORTS, Case
from tests.fuzz.v2.good import DATATYPES
from tests.fuzz.v2.services import NAMES

_MOST_BYTES = 12_000  # of a part; what is longer is made by repetition
_WIDTH = re.compile(rb'"(?:U?INT|FP)(16|32|64)"')
_Edit = Callable[[Case, Case, Random], Case]


def mutate(case: Case, other: Case, rng: Random) -> Case:
    """A case with some changes, of which the other may give a part."""
    if case.repeat is not None and case.size_bytes > 200_000 and rng.random() < 0.8:
        case = replace(case, repeat=None)  # what is large is slow
    if (case.transport != "right" or case.edits) and rng.random() < 0.4:
        case = replace(case, transport="right", edits=())  # what does not arrive tells little
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 5))):
        [edit] = rng.choices(_EDITS, _WEIGHTS)
        case = edit(case, other, rng)
    return replace(case, text=case.text[:_MOST_BYTES], tail=case.tail[:_MOST_BYTES])


def _tree(case: Case, other: Case, rng: Random) -> Case:
    """Change the request wherever it may be."""

    def change(tree: trees.Node) -> trees.Node:
        for _ in range(rng.choice((1, 1, 1, 2, 4))):
            tree = branches.mutate(tree, rng, words.WORDS)
        return tree

    return _changed(case, other, rng, change)


def _numbers(case: Case, other: Case, rng: Random) -> Case:
    """Change what is in the data, and nothing else."""

    def change(tree: trees.Node) -> trees.Node:
        inputs = tree.get("inputs") if isinstance(tree, trees.Members) else None
        first = inputs[0] if isinstance(inputs, list) and inputs else None
        if not isinstance(first, trees.Members):
            return branches.mutate(tree, rng, words.WORDS)
        data = first.get("data")
        if isinstance(data, list) and data and rng.random() < 0.6:
            first.set("data", branches.renumber(data, rng))
        else:
            first.set("data", branches.mutate(data, rng, words.WORDS))
        if rng.random() < 0.4:
            first.set("datatype", rng.choice(tuple(DATATYPES)))
        return tree

    return _changed(case, other, rng, change)


def _changed(
    case: Case, other: Case, rng: Random, change: Callable[[trees.Node], trees.Node]
) -> Case:
    try:
        return replace(case, text=trees.write(change(trees.parse(case.text)), rng))
    except ValueError:  # no tree, or too deep a one
        return _characters(case, other, rng)


def _characters(case: Case, _other: Case, rng: Random) -> Case:
    return replace(case, text=texts.mutate(case.text, rng, words.TOKENS))


def _splice(case: Case, other: Case, rng: Random) -> Case:
    return replace(case, text=texts.splice(case.text, other.text, rng))


def _parts(case: Case, other: Case, rng: Random) -> Case:
    """Some parts of one, the others of the other."""
    names = ("text", "tail", "headers", "length", "packings", "transport", "repeat", "edits")
    name = rng.choice(names)
    return replace(case, **{name: getattr(other, name)})


def _tail(case: Case, _other: Case, rng: Random) -> Case:
    tail = texts.mutate(case.tail, rng, words.TAILS)
    return replace(case, tail=tail)


def _values(case: Case, _other: Case, rng: Random) -> Case:
    """Other values in as many bytes, or the same as another datatype of the same width."""
    if rng.random() < 0.3:
        kind = rng.choice((b"INT", b"UINT", b"FP"))
        return replace(case, text=_WIDTH.sub(rb'"%b\1"' % kind, case.text))
    new = rng.choice(words.TAILS)
    start = rng.randrange(len(case.tail) // len(new) + 1) * len(new)
    tail = case.tail[:start] + new + case.tail[start + len(new) :]
    return replace(case, tail=tail[: len(case.tail)])


def _length(case: Case, _other: Case, rng: Random) -> Case:
    kind = rng.random()
    if kind < 0.3:
        return replace(
            case, length=rng.choice((-3, -2, -1, 1, 2, 3, len(case.tail), -len(case.text)))
        )
    if kind < 0.6:
        return replace(case, length=rng.choice(words.LENGTHS))
    return replace(case, length=rng.choice((None, 0, 0, "0")))


def _header(case: Case, _other: Case, rng: Random) -> Case:
    name, values = rng.choice(
        (
            ("content-encoding", words.ENCODINGS),
            ("content-encoding", words.ENCODINGS),
            ("accept-encoding", words.ACCEPTED),
            ("content-type", words.TYPES),
            ("content-length", words.LIES),
            ("accept", words.TYPES),
            (HEADER_BYTES.title(), words.LENGTHS),
            ("expect", ("100-continue",)),
            ("transfer-encoding", ("chunked", "gzip, chunked")),
            ("x" * rng.choice((1, 300)), ("é" * 200, "")),
        )
    )
    headers = dict(case.headers)
    if rng.random() < 0.25:
        headers.pop(name, None)
    else:
        headers[name] = rng.choice(values)
    return replace(case, headers=tuple(headers.items()))


def _packing(case: Case, _other: Case, rng: Random) -> Case:
    packings = tuple(rng.choice(PACKINGS) for _ in range(rng.choice((0, 1, 1, 2))))
    headers = dict(case.headers)
    headers["content-encoding"] = rng.choice(("gzip", "gzip", "deflate", "x-gzip", "identity"))
    if not packings and rng.random() < 0.7:
        del headers["content-encoding"]
    return replace(case, packings=packings, headers=tuple(headers.items()))


def _damage(case: Case, _other: Case, rng: Random) -> Case:
    position = rng.choice((rng.randrange(16), rng.randrange(4_000), -1, -rng.randint(1, 9)))
    inserted = rng.choice(
        (b"", b"", b"\0", b"\0\0\0\0", rng.randbytes(1), rng.choice(texts.TOKENS))
    )
    edit = (position, rng.choice((0, 1, 1, 4, 5_000)), inserted)
    return replace(case, edits=(*case.edits, edit)[-3:])


def _transport(case: Case, _other: Case, rng: Random) -> Case:
    return replace(case, transport=rng.choice(TRANSPORTS))


def _address(case: Case, _other: Case, rng: Random) -> Case:
    kind = rng.random()
    if kind < 0.25:
        return replace(case, method=rng.choice(words.METHODS))
    if kind < 0.4:
        return replace(case, service=rng.choice(NAMES))
    if kind < 0.75:
        return replace(case, path=rng.choice(words.PATHS).replace("dense", case.service))
    changed = texts.mutate(case.path.encode(errors="replace"), rng, (b"/", b"%2F", b"%", b"?"))
    path = changed.decode(errors="replace")
    return replace(case, path=path if rng.random() < 0.3 else f"/v2/models/{path[:90]}/infer")


def _repeat(case: Case, _other: Case, rng: Random) -> Case:
    """Much of it: of numbers, of blanks, of brackets, of zeros."""
    name = "tail" if case.tail and rng.random() < 0.4 else "text"
    data: bytes = getattr(case, name)
    start = rng.randint(0, len(data))
    if name == "text" and rng.random() < 0.7:
        start = max(data.rfind(rng.choice((b",", b"[", b" ", b"{", b'"')), 0, start), 0)
    end = min(len(data), start + rng.choice((1, 1, 2, 3, 20)))
    times = rng.choice((2, 5, 40, 300, 300, 4_000, 4_000, 40_000))
    if rng.random() < 0.02:
        times = rng.choice((400_000, 3_000_000, 66_000_000))
    return replace(case, repeat=(name, start, end, times))


_CHOICES: tuple[tuple[int, _Edit], ...] = (
    (12, _tree),
    (12, _numbers),
    (8, _characters),
    (2, _splice),
    (4, _parts),
    (4, _tail),
    (8, _values),
    (4, _length),
    (5, _header),
    (4, _packing),
    (3, _damage),
    (3, _transport),
    (3, _address),
    (1, _repeat),
)
_WEIGHTS = [weight for weight, _ in _CHOICES]
_EDITS = [edit for _, edit in _CHOICES]
