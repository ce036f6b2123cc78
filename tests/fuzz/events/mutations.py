"""Events that are nearly right: a good one with one part changed, or some."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

from tests.fuzz import branches, texts, trees
from tests.fuzz.events import words
from tests.fuzz.events.case import HANDLERS, Case
from tests.fuzz.trees import Members, Node, Raw

_MOST_BYTES = 20_000
_TOKENS = tuple(value.encode() for value in words.VALUES)
_Edit = Callable[[Case, Case, Random], Case]


def mutate(case: Case, other: Case, rng: Random) -> Case:
    """A case with some changes, of which the other may give a part."""
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 5))):
        [edit] = rng.choices(_EDITS, _WEIGHTS)
        case = edit(case, other, rng)
    return replace(case, text=case.text[:_MOST_BYTES])


def _changed(case: Case, rng: Random, change: Callable[[Node], Node]) -> Case:
    try:
        return replace(case, text=trees.write(change(trees.parse(case.text)), rng))
    except ValueError:  # no tree, or too deep a one
        return _characters(case, case, rng)


def _tree(case: Case, _other: Case, rng: Random) -> Case:
    return _changed(case, rng, lambda tree: branches.mutate(tree, rng, words.WORDS))


def _member(case: Case, _other: Case, rng: Random) -> Case:
    """A member that means something, absent or of another type."""
    *path, last = rng.choice(words.PLACES)

    def change(tree: Node) -> Node:
        node: Node = tree
        for step in path:
            node = _step(node, step)
        if isinstance(node, Members):
            if rng.random() < 0.25:
                node.pairs = [pair for pair in node.pairs if pair[0] != last]
            else:
                node.set(str(last), Raw(rng.choice(words.VALUES)))
        elif isinstance(node, list) and node:
            node[0] = Raw(rng.choice(words.VALUES))
        return tree

    return _changed(case, rng, change)


def _step(node: Node, step: str | int) -> Node:
    if isinstance(node, Members):
        return node.get(str(step))
    return node[0] if isinstance(node, list) and node else None


def _header(case: Case, _other: Case, rng: Random) -> Case:
    """A header of a request, by whichever way it comes."""

    def change(tree: Node) -> Node:
        name = rng.choice(("headers", "headers", "multiValueHeaders"))
        headers = _step(tree, name)
        if isinstance(headers, Members):
            value: Node = rng.choice(words.WORDS)
            value = value if name == "headers" else [value]
            headers.set(rng.choice(words.WORDS), value)
        return tree

    return _changed(case, rng, change)


def _inner(case: Case, _other: Case, rng: Random) -> Case:
    """What is itself a text in the event: a body, or the message of a queue."""

    def change(tree: Node) -> Node:
        holder = tree
        if isinstance(records := _step(tree, "Records"), list) and records:
            holder = rng.choice(records)
        if isinstance(holder, Members) and isinstance(body := holder.get("body"), str):
            holder.set("body", _body(body, rng))
        return tree

    return _changed(case, rng, change)


def _body(body: str, rng: Random) -> str:
    content = body.encode(errors="surrogatepass")
    if rng.random() < 0.7:
        try:
            tree = branches.mutate(trees.parse(content), rng, words.WORDS)
            return trees.write(tree, rng).decode(errors="surrogatepass")
        except ValueError:
            pass
    return texts.mutate(content, rng, _TOKENS).decode(errors="replace")


def _characters(case: Case, _other: Case, rng: Random) -> Case:
    return replace(case, text=texts.mutate(case.text, rng, _TOKENS))


def _splice(case: Case, other: Case, rng: Random) -> Case:
    """Members of one in the other."""

    def change(tree: Node) -> Node:
        try:
            donor = trees.parse(other.text)
        except ValueError:
            return tree
        if isinstance(tree, Members) and isinstance(donor, Members) and donor.pairs:
            tree.set(*rng.choice(donor.pairs))
        return tree

    return _changed(case, rng, change)


def _function(case: Case, _other: Case, rng: Random) -> Case:
    if rng.random() < 0.5:
        return replace(case, handler=rng.choice(HANDLERS))
    return replace(case, remaining_ms=rng.choice((0, 100, 29_999, 30_500, 60_000, 900_000)))


_CHOICES: tuple[tuple[int, _Edit], ...] = (
    *((10, _tree), (16, _member), (5, _header), (10, _inner), (3, _characters), (3, _splice)),
    (1, _function),
)
_WEIGHTS = [weight for weight, _ in _CHOICES]
_EDITS = [edit for _, edit in _CHOICES]
