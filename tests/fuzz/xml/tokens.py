"""Mutations of the elements of an XML text: missing, twice, elsewhere, of another kind."""

import re
from collections.abc import Callable
from random import Random

from tests.fuzz.xml import words

_TOKEN = re.compile(r"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>|<[^<>]*>|[^<]+|<", re.DOTALL)
_NAME = re.compile(r"</?\s*([^\s/>]*)")
_NUMBER = re.compile(r"[^\s]+")
Tokens = list[str]
Span = tuple[int, int]  # of an element: its opening and its closing tag


def mutate(text: str, rng: Random) -> str:
    """A text with one change to its tree."""
    tokens: Tokens = _TOKEN.findall(text)
    spans = _spans(tokens)
    if not spans:
        return text + rng.choice(words.PIECES)
    return "".join(rng.choice(_EDITS)(tokens, rng.choice(spans), spans, rng))


def renumber(text: str, rng: Random) -> str:
    """A text with one number written otherwise, and nothing else changed."""
    tokens: Tokens = _TOKEN.findall(text)
    places = [i for i, token in enumerate(tokens) if token[0] not in "<" and token.strip()]
    if not places:
        return text
    place = rng.choice(places)
    numbers = list(_NUMBER.finditer(tokens[place]))
    chosen = rng.choice(numbers)
    new = rng.choice(words.NUMBERS)
    if rng.random() < 0.3:
        new = _respelled(chosen[0], rng)
    tokens[place] = tokens[place][: chosen.start()] + new + tokens[place][chosen.end() :]
    return "".join(tokens)


def _respelled(number: str, rng: Random) -> str:
    """The same number to XML, in other characters."""
    at = rng.randrange(len(number))
    character = number[at]
    new = rng.choice(
        (
            f"&#{ord(character)};",
            f"&#x{ord(character):x};",
            f"<![CDATA[{character}]]>",
            f"{character}<!-- -->",
            f"<?p?>{character}",
        )
    )
    return number[:at] + new + number[at + 1 :]


def _spans(tokens: Tokens) -> list[Span]:
    found: list[Span] = []
    opened: list[int] = []
    for position, token in enumerate(tokens):
        if not token.startswith("<") or token[1:2] in {"!", "?", ""}:
            continue
        if token.startswith("</"):
            if opened:
                found.append((opened.pop(), position))
        elif token.endswith("/>"):
            found.append((position, position))
        else:
            opened.append(position)
    return found


def _name(tag: str) -> str:
    match = _NAME.match(tag)
    return match[1] if match else ""


def _drop(tokens: Tokens, span: Span, _spans: list[Span], rng: Random) -> Tokens:
    start, end = span
    if rng.random() < 0.3:  # one of its tags alone
        at = rng.choice(span)
        return tokens[:at] + tokens[at + 1 :]
    return tokens[:start] + tokens[end + 1 :]


def _double(tokens: Tokens, span: Span, _spans: list[Span], rng: Random) -> Tokens:
    start, end = span
    copies = rng.choice((1, 1, 2, 30))
    return tokens[: end + 1] + tokens[start : end + 1] * copies + tokens[end + 1 :]


def _move(tokens: Tokens, span: Span, _spans: list[Span], rng: Random) -> Tokens:
    start, end = span
    rest = tokens[:start] + tokens[end + 1 :]
    at = rng.randint(0, len(rest))
    return rest[:at] + tokens[start : end + 1] + rest[at:]


def _wrap(tokens: Tokens, span: Span, _spans: list[Span], rng: Random) -> Tokens:
    start, end = span
    name = rng.choice(words.ELEMENTS)
    times = rng.choice((1, 1, 1, 2, 5, 97, 99, 101))
    opening, closing = [f"<{name}>"] * times, [f"</{name}>"] * times
    inside = tokens[start : end + 1]
    if rng.random() < 0.3 and end > start:  # around what is in it
        inside = [inside[0], *opening, *inside[1:-1], *closing, inside[-1]]
        opening = closing = []
    return [*tokens[:start], *opening, *inside, *closing, *tokens[end + 1 :]]


def _unwrap(tokens: Tokens, span: Span, _spans: list[Span], _rng: Random) -> Tokens:
    start, end = span
    return tokens[:start] + tokens[start + 1 : end] + tokens[end + 1 :]


def _swap(tokens: Tokens, span: Span, spans: list[Span], rng: Random) -> Tokens:
    first, second = sorted((span, rng.choice(spans)))
    if first[1] >= second[0]:
        return tokens
    (a, b), (c, d) = first, second
    return [
        *tokens[:a],
        *tokens[c : d + 1],
        *tokens[b + 1 : c],
        *tokens[a : b + 1],
        *tokens[d + 1 :],
    ]


def _rename(tokens: Tokens, span: Span, _spans: list[Span], rng: Random) -> Tokens:
    start, end = span
    old, new = _name(tokens[start]), rng.choice(words.ELEMENTS)
    tokens[start] = tokens[start].replace(old, new, 1)
    if rng.random() < 0.9:
        tokens[end] = tokens[end].replace(old, new, 1)
    return tokens


def _attribute(tokens: Tokens, span: Span, _spans: list[Span], rng: Random) -> Tokens:
    tag = tokens[span[0]]
    if rng.random() < 0.25:  # one that is there
        tokens[span[0]] = re.sub(r"""\s[\w:]+\s*=\s*(".*?"|'.*?')""", "", tag, count=1)
        return tokens
    end = len(tag) - (2 if tag.endswith("/>") else 1)
    name, value = rng.choice(words.ATTRIBUTES), rng.choice(words.VALUES)
    quote = "'" if '"' in value else '"'
    tokens[span[0]] = f"{tag[:end]} {name}={quote}{value}{quote}{tag[end:]}"
    return tokens


def _piece(tokens: Tokens, span: Span, _spans: list[Span], rng: Random) -> Tokens:
    """Something beside the numbers, in them or around them."""
    at = rng.randint(span[0] + 1, span[1]) if span[1] > span[0] else span[0]
    token, piece = tokens[at], rng.choice(words.PIECES)
    if token.startswith("<"):
        return [*tokens[:at], piece, *tokens[at:]]
    inside = rng.randint(0, len(token))
    tokens[at] = token[:inside] + piece + token[inside:]
    return tokens


def _section(tokens: Tokens, span: Span, _spans: list[Span], rng: Random) -> Tokens:
    """The content as CDATA, or in a comment."""
    start, end = span
    opening, closing = rng.choice((("<![CDATA[", "]]>"), ("<!--", "-->"), ("<?p ", "?>")))
    return [*tokens[: start + 1], opening, *tokens[start + 1 : end], closing, *tokens[end:]]


def _form(tokens: Tokens, span: Span, _spans: list[Span], rng: Random) -> Tokens:
    """The numbers in the other form."""
    start, end = span
    numbers = "".join(t if t[0] != "<" else " " for t in tokens[start + 1 : end]).split()
    if rng.random() < 0.5:
        content = " ".join(numbers)
    else:
        content = rng.choice(("", "\n")).join(f"<value>{n}</value>" for n in numbers)
    return [*tokens[: start + 1], content, *tokens[end:]]


_EDITS: tuple[Callable[[Tokens, Span, list[Span], Random], Tokens], ...] = (
    *(_drop, _double, _move, _wrap, _unwrap, _swap, _rename, _attribute, _attribute, _attribute),
    *(_piece, _piece, _piece, _section, _form),
)
