"""JSON as a tree that keeps what a reader may not see: repeated keys, and numbers as written."""

import json
from dataclasses import dataclass
from random import Random


class Raw(str):
    """A number, or what is written in place of one."""

    __slots__ = ()


@dataclass(slots=True)
class Members:
    """An object."""

    pairs: list[tuple[str, "Node"]]

    def get(self, name: str) -> "Node":
        """The last value under a name, as most readers see it."""
        return next((value for key, value in reversed(self.pairs) if key == name), None)

    def set(self, name: str, value: "Node") -> None:
        """Put one value under a name, in its place."""
        keys = [key for key, _ in self.pairs]
        if name in keys:
            self.pairs[keys.index(name)] = (name, value)
        else:
            self.pairs.append((name, value))


Node = Members | list["Node"] | str | bool | None


def parse(text: bytes) -> Node:
    """Read JSON, leniently.

    Raises:
        ValueError: it is none.
    """
    try:
        tree: Node = json.loads(
            text.decode(errors="surrogateescape"),
            object_pairs_hook=Members,
            parse_int=Raw,
            parse_float=Raw,
            parse_constant=Raw,
            strict=False,
        )
    except RecursionError as cause:
        raise ValueError("nested too deeply") from cause
    return tree


def write(tree: Node, rng: Random) -> bytes:
    """The text of a tree, spaced and escaped in one of the ways there are.

    Raises:
        ValueError: it is too deep for this.
    """
    blanks = rng.choice(("", "", "", " ", "\n  ", "\t \r\n"))
    colon = rng.choice((":", ":", ": ", " : "))
    escaped = rng.choice((0.0, 0.0, 0.0, 0.1, 1.0))

    def string(text: str) -> str:
        if escaped and rng.random() < escaped:
            return _escaped(text)
        return json.dumps(text, ensure_ascii=rng.random() < 0.5)

    def value(node: Node) -> str:
        if isinstance(node, Members):
            inner = f",{blanks}".join(f"{string(k)}{colon}{value(v)}" for k, v in node.pairs)
            return f"{{{blanks}{inner}}}"
        if isinstance(node, list):
            return f"[{f',{blanks}'.join(map(value, node))}{blanks}]"
        if isinstance(node, Raw):
            return node
        return string(node) if isinstance(node, str) else json.dumps(node)

    try:
        text = value(tree)
    except RecursionError as cause:
        raise ValueError("nested too deeply") from cause
    try:
        return text.encode(errors="surrogateescape")  # bytes that were no UTF-8 are none again
    except UnicodeEncodeError:
        return text.encode(errors="surrogatepass")


def _escaped(text: str) -> str:
    units = text.encode("utf-16-be", "surrogatepass")
    return '"' + "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2)) + '"'
