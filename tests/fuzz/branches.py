"""Mutations of a JSON tree: what is missing, twice, elsewhere, or of another kind."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from tests.fuzz.trees import Members, Node, Raw

_ODD_NUMBERS = """
0 -0 1 -1 2 3 1.0 0.5 -0.0 0.1 1e0 1E+2 0e0 1e22 1e-45 1e-400 1e400 -1e400 2e308 NaN -Infinity
127 128 -129 255 256 32768 65504 65520 65536 1000001 16777217 2147483647 2147483648 -2147483649
4294967296 9007199254740991 9007199254740993 9223372036854775808 18446744073709551615
18446744073709551616 3.4028235e38 3.4028236e38 1.7976931348623157e308
"""
_LONG_NUMBERS = ("9" * 400, "1" * 1_100, "0." + "1" * 1_100, "1e" + "0" * 300 + "1")
_NUMBERS = (*_ODD_NUMBERS.split(), *_LONG_NUMBERS)
_ODD_STRINGS = r"""0 1 true null ] [ [1,2 } " \ ],[ __proto__ é 😀""" + " \u0663 \ud800"
_LONG_STRINGS = ("a" * 257, "x" * 3_000, "é" * 130)
_STRINGS = (*_ODD_STRINGS.split(), *_LONG_STRINGS, "", " ", "\0", "\n", "\x7f", "\u2028")
_SIMPLE: tuple[Node, ...] = (None, True, False)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a node is: in an object or an array."""

    inside: Members | list[Node]
    position: int

    def get(self) -> Node:
        if isinstance(self.inside, Members):
            return self.inside.pairs[self.position][1]
        return self.inside[self.position]

    def set(self, node: Node) -> None:
        if isinstance(self.inside, Members):
            self.inside.pairs[self.position] = (self.inside.pairs[self.position][0], node)
        else:
            self.inside[self.position] = node


_Edit = Callable[[_Place, Random, Sequence[str], list[_Place]], None]


def mutate(tree: Node, rng: Random, words: Sequence[str]) -> Node:
    """Change a tree in one place; it is changed itself.

    Args:
        words: names and values that mean something.
    """
    root: list[Node] = [tree]
    places = list(_places(root))
    # As often near the root as in an array of many numbers.
    shallow = [place for place in places if isinstance(place.get(), Members | list)]
    named = [place for place in places if isinstance(place.inside, Members)]
    place = rng.choice(rng.choice([kind for kind in (places, shallow, named) if kind]))
    rng.choice(_EDITS)(place, rng, words, places)
    return root[0] if root else None


def renumber(tree: Node, rng: Random) -> Node:
    """Change one number of a tree, and nothing of its form; it is changed itself."""
    root: list[Node] = [tree]
    places = list(_places(root))
    _number(rng.choice(places), rng, (), places)
    return root[0]


def _places(root: list[Node]) -> list[_Place]:
    found: list[_Place] = []
    waiting: list[Members | list[Node]] = [root]
    while waiting:
        inside = waiting.pop()
        count = len(inside.pairs) if isinstance(inside, Members) else len(inside)
        for position in range(count):
            place = _Place(inside, position)
            found.append(place)
            node = place.get()
            if isinstance(node, Members | list):
                waiting.append(node)
    return found


def _drop(place: _Place, _rng: Random, _words: Sequence[str], _places: list[_Place]) -> None:
    if isinstance(place.inside, Members):
        del place.inside.pairs[place.position]
    else:
        del place.inside[place.position]


def _double(place: _Place, rng: Random, words: Sequence[str], _places: list[_Place]) -> None:
    copy = place.get() if rng.random() < 0.5 else _any(rng, words)
    if isinstance(place.inside, Members):
        name = place.inside.pairs[place.position][0]
        place.inside.pairs.insert(rng.randint(0, len(place.inside.pairs)), (name, copy))
    else:
        copies = [copy] * rng.choice((1, 1, 1, 2, 64))
        place.inside[place.position : place.position] = copies


def _replace(place: _Place, rng: Random, words: Sequence[str], _places: list[_Place]) -> None:
    place.set(_any(rng, words))


def _rename(place: _Place, rng: Random, words: Sequence[str], _places: list[_Place]) -> None:
    if isinstance(place.inside, Members):
        value = place.inside.pairs[place.position][1]
        place.inside.pairs[place.position] = (_word(rng, words), value)
    else:
        place.set(_any(rng, words))


def _number(place: _Place, rng: Random, _words: Sequence[str], places: list[_Place]) -> None:
    numbers = [place for place in places if isinstance(place.get(), Raw)]
    chosen = rng.choice(numbers) if numbers else place
    old = chosen.get()
    if isinstance(old, Raw) and old.isdecimal() and len(old) < 10 and rng.random() < 0.4:
        chosen.set(Raw(str(int(old) + rng.choice((-1, 1, 1, 256)))))
    else:
        chosen.set(Raw(rng.choice(_NUMBERS)))


def _wrap(place: _Place, rng: Random, words: Sequence[str], _places: list[_Place]) -> None:
    node = place.get()
    for _ in range(rng.choice((1, 1, 1, 2, 30, 600)) if rng.random() < 0.2 else 1):
        node = [node] if rng.random() < 0.7 else Members([(_word(rng, words), node)])
    place.set(node)


def _unwrap(place: _Place, rng: Random, words: Sequence[str], _places: list[_Place]) -> None:
    node = place.get()
    if isinstance(node, Members) and node.pairs:
        place.set(node.pairs[0][1])
    elif isinstance(node, list) and node:
        place.set(node[0])
    else:
        place.set(_any(rng, words))


def _copy(place: _Place, rng: Random, _words: Sequence[str], places: list[_Place]) -> None:
    other = rng.choice(places).get()
    # Not into itself: a tree has an end.
    place.set(other if not isinstance(other, Members | list) else _leaf(other))


def _swap(place: _Place, rng: Random, _words: Sequence[str], _places: list[_Place]) -> None:
    inside = place.inside
    count = len(inside.pairs) if isinstance(inside, Members) else len(inside)
    other = _Place(inside, rng.randrange(count))
    first, second = place.get(), other.get()
    place.set(second)
    other.set(first)


def _shuffle(place: _Place, rng: Random, _words: Sequence[str], _places: list[_Place]) -> None:
    rng.shuffle(place.inside.pairs if isinstance(place.inside, Members) else place.inside)


def _add(place: _Place, rng: Random, words: Sequence[str], _places: list[_Place]) -> None:
    node = place.get()
    if isinstance(node, Members):
        node.pairs.insert(rng.randint(0, len(node.pairs)), (_word(rng, words), _any(rng, words)))
    elif isinstance(node, list):
        node.insert(rng.randint(0, len(node)), _any(rng, words))
    else:
        place.set(_any(rng, words))


def _leaf(node: Node) -> Node:
    while isinstance(node, Members | list):
        inner = [value for _, value in node.pairs] if isinstance(node, Members) else node
        if not inner:
            return None
        node = inner[0]
    return node


def _word(rng: Random, words: Sequence[str]) -> str:
    return rng.choice(words) if rng.random() < 0.8 else rng.choice(_STRINGS)


def _any(rng: Random, words: Sequence[str]) -> Node:
    kind = rng.random()
    if kind < 0.35:
        return Raw(rng.choice(_NUMBERS))
    if kind < 0.6:
        return _word(rng, words)
    if kind < 0.8:
        return rng.choice(_SIMPLE)
    if kind < 0.9:
        return [_any(rng, words) for _ in range(rng.choice((0, 1, 3)))]
    return Members([(_word(rng, words), _any(rng, words)) for _ in range(rng.choice((0, 1, 2)))])


_EDITS: tuple[_Edit, ...] = (
    *(_drop, _double, _replace, _replace, _rename, _number, _number, _number),
    *(_wrap, _unwrap, _copy, _swap, _shuffle, _add, _add),
)
