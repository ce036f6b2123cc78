"""Mutations of bytes that know nothing of what they mean."""

from collections.abc import Callable, Sequence
from random import Random

# What readers of text stumble over, whatever its syntax.
TOKENS = (
    b"\xef\xbb\xbf",  # a byte order mark
    b"\xff\xfe",
    b"\xc0\xaf",  # UTF-8, too long
    b"\xed\xa0\x80",  # half a surrogate pair
    b"\xf4\x90\x80\x80",  # beyond Unicode
    b"\x80",
    b"\x00",
    b"\x1f\x8b\x08\x00",
    b"\r\n",
    b"\x0b",
    b"\x0c",
    b"\xc2\xa0",  # blanks to some
    b"\xe2\x80\xa8",
    b"\xd9\xa3",  # a digit to some
    b"\xef\xbc\x91",
    b"NaN",
    b"Infinity",
    b"-inf",
    b"nan",
    b"1_0",
    b"0x1F",
    b"01",
    b"+1",
    b".5",
    b"5.",
    b"1e",
    b"-",
    b"1e5",
    b"1e400",
    b"-0",
    b"9007199254740993",
    b"18446744073709551616",
    b"9" * 400,
    b"0." + b"3" * 1_100,
    b" " * 300,
    b"\n" * 70,
)
_Edit = Callable[[bytes, Random, Sequence[bytes]], bytes]


def mutate(data: bytes, rng: Random, tokens: Sequence[bytes] = ()) -> bytes:
    """Bytes with one change.

    Args:
        tokens: of the syntax, beside those that fit everywhere.
    """
    return rng.choice(_EDITS)(data, rng, tokens)


def splice(data: bytes, other: bytes, rng: Random) -> bytes:
    """The start of one with the end of another."""
    return data[: rng.randint(0, len(data))] + other[rng.randint(0, len(other)) :]


def _token(data: bytes, rng: Random, tokens: Sequence[bytes]) -> bytes:
    start, end = _span(data, rng, 8)
    token = rng.choice(tokens) if tokens and rng.random() < 0.6 else rng.choice(TOKENS)
    return data[: end if rng.random() < 0.5 else start] + token + data[end:]


def _byte(data: bytes, rng: Random, _tokens: Sequence[bytes]) -> bytes:
    start, _ = _span(data, rng, 1)
    return data[:start] + rng.randbytes(1) + data[start + rng.randint(0, 1) :]


def _bit(data: bytes, rng: Random, _tokens: Sequence[bytes]) -> bytes:
    if not data:
        return data
    start = rng.randrange(len(data))
    return data[:start] + bytes([data[start] ^ 1 << rng.randrange(8)]) + data[start + 1 :]


def _delete(data: bytes, rng: Random, _tokens: Sequence[bytes]) -> bytes:
    start, end = _span(data, rng, rng.choice((1, 1, 4, 40)))
    return data[:start] + data[end:]


def _repeat(data: bytes, rng: Random, _tokens: Sequence[bytes]) -> bytes:
    start, end = _span(data, rng, rng.choice((1, 8, 40)))
    return data[:end] + data[start:end] * rng.choice((1, 1, 2, 70)) + data[end:]


def _move(data: bytes, rng: Random, _tokens: Sequence[bytes]) -> bytes:
    start, end = _span(data, rng, 20)
    rest = data[:start] + data[end:]
    place = rng.randint(0, len(rest))
    return rest[:place] + data[start:end] + rest[place:]


def _cut(data: bytes, rng: Random, _tokens: Sequence[bytes]) -> bytes:
    return data[: rng.randint(0, len(data))] if rng.random() < 0.7 else data[-rng.randint(1, 20) :]


def _twice(data: bytes, rng: Random, _tokens: Sequence[bytes]) -> bytes:
    return data + rng.choice((b"", b"\n", b",")) + data


def _around(data: bytes, rng: Random, tokens: Sequence[bytes]) -> bytes:
    token = rng.choice((*TOKENS, *tokens, b" ", b"\n"))
    return token + data if rng.random() < 0.5 else data + token


def _span(data: bytes, rng: Random, longest: int) -> tuple[int, int]:
    start = rng.randint(0, len(data))
    return start, min(len(data), start + rng.randint(1, longest))


_EDITS: tuple[_Edit, ...] = (
    _token,
    _token,
    _token,
    _byte,
    _bit,
    _delete,
    _delete,
    _repeat,
    _move,
    _cut,
    _twice,
    _around,
)
