"""Documents that are right, of every kind that there is."""

from dataclasses import replace
from math import prod
from random import Random
from typing import Any

import numpy as np

from tests.fuzz.xml.arrays import saved
from tests.fuzz.xml.case import SHAPES, Case

_LENGTHS = {"open": (1, 2, 7, 150), "pairs": (2, 8, 40), "any": (6, 12)}
_DTYPES = ("<f8", "<f4", "<f2", ">f8", ">f4", "<i4", "<i8", "|u1", "<u8", ">i2")
_NUMBERS = ("0", "1", "-0", "1.5", "-2.25e3", ".5", "5.", "+1", "1e-400", "1E5", "00", "1e22")
_EXACT = ("0.1", "2.2250738585072014e-308", "5e-324", "1.7976931348623157e308", "-0.0", "123456")
_BLANKS = (" ", " ", " ", "\n", "\t", "  ", "\r\n", " \n\t ")
_HEADS = (
    *("", "", "", "<!-- c -->", '<?xml version="1.0"?>\n', "\n "),
    *('<?xml version="1.0" encoding="UTF-8"?>', "<?p x?>"),
)
_DECLARED = {
    "utf-16": ("", '<?xml version="1.0" encoding="UTF-16"?>'),
    "utf-16, mark, large end first": ("", '<?xml version="1.0" encoding="utf-16"?>'),
    "utf-8 with mark": ("", '<?xml version="1.0" encoding="utf-8"?>'),
    "iso-8859-1": ('<?xml version="1.0" encoding="ISO-8859-1"?>',),
    "us-ascii": ("", '<?xml version="1.0" encoding="us-ascii"?>'),
}


def document(rng: Random) -> Case:
    """A document."""
    name = rng.choice(tuple(SHAPES))
    kind = rng.random()
    case = _text(name, rng) if kind < 0.7 else _arrays(name, rng)
    packings = rng.choice((("gzip",), ("members",))) if rng.random() < 0.2 else ()
    case = replace(case, packings=packings)
    if rng.random() < 0.2:
        case = replace(case, limits="low")
    if rng.random() < 0.2:
        case = replace(case, source_bytes=rng.choice((1, 2, 3, 7, 100)))
    return case


def _count(name: str, rng: Random) -> int:
    shape = SHAPES[name]
    return rng.choice(_LENGTHS[name]) if None in shape else prod(n or 1 for n in shape)


def _text(name: str, rng: Random) -> Case:
    prefix = rng.choice(("", "", "", "x:"))
    root = rng.choice(("matrices", "a", "x:a")) if prefix else rng.choice(("matrices", "a"))
    matrices = [_matrix(name, i, prefix, rng) for i in range(rng.choice((1, 1, 2, 3, 5)))]
    around = rng.choice(("", "\n", "\r\n", " <b>5</b>\n", "<!-- 1 -->"))
    space = ' xmlns:x="urn:x"' if prefix or root.startswith("x:") else ""
    text = f"<{root}{space}>{around}{around.join(matrices)}{around}</{root}>"
    case = Case(shape=name, text=(rng.choice(_HEADS) + text).encode())
    if rng.random() < 0.15:
        encoding = rng.choice(tuple(_DECLARED))
        declared = rng.choice(_DECLARED[encoding])
        case = replace(case, text=(declared + text).encode(), encoding=encoding)
    if rng.random() < 0.7:
        case = replace(case, shortest_run_bytes=0, chunk_bytes=rng.choice((None, 1, 16, 70, 400)))
    return case


def _matrix(name: str, position: int, prefix: str, rng: Random) -> str:
    count = _count(name, rng)
    id = rng.choice((f' id="m{position}"', f" id='q{position}\u00e9'", f' x="1"\nid="{position}"'))
    attributes = id if rng.random() < 0.6 else ""
    if name == "any":
        attributes += f' shape="{count // 2} 2"'
    elif rng.random() < 0.2 and None not in SHAPES[name] and SHAPES[name]:
        attributes += f' shape="{" ".join(map(str, SHAPES[name]))}"'
    one = rng.choice((*_NUMBERS, *_EXACT))
    numbers = [one if rng.random() < 0.5 else _number(rng) for _ in range(count)]
    between = rng.choice(_BLANKS)
    if rng.random() < 0.5:
        content = between.join(numbers)
        content = between + content + between if rng.random() < 0.4 else content
    else:
        gap = between if rng.random() < 0.4 else ""
        inner = rng.choice(("", "", " "))
        value = f"{prefix}value"
        content = gap.join(f"<{value}>{inner}{number}{inner}</{value}>" for number in numbers)
    return f"<{prefix}matrix{attributes}>{content}</{prefix}matrix>"


def _number(rng: Random) -> str:
    kind = rng.random()
    if kind < 0.4:
        return rng.choice((*_NUMBERS, *_EXACT))
    return (
        repr(rng.uniform(-1, 1) * 10.0 ** rng.randint(-310, 300))
        if kind < 0.6
        else repr(round(rng.uniform(-9, 9), rng.randint(0, 17)))
    )


def values(name: str, rng: Random) -> Any:
    """An array of matrices of a shape, of one of the types of numbers."""
    rows = rng.choice((1, 1, 2, 3, 33, 40))
    shape = [rng.choice((1, 2, 3)) if n is None else n for n in SHAPES[name]]
    dtype = np.dtype(rng.choice(_DTYPES))
    flat = [rng.randint(0, 100) for _ in range(rows * int(np.prod(shape, dtype=int)))]
    found = np.array(flat, dtype="f8")
    if dtype.kind == "f":
        found = found / rng.choice((1, 7, 1e5))
    found = found.astype(dtype).reshape(rows, *shape)
    return found.reshape(rows, -1) if rng.random() < 0.2 and name != "any" and shape else found


def _arrays(name: str, rng: Random) -> Case:
    array = values(name, rng)
    main = saved(array, fortran=rng.random() < 0.2)
    if rng.random() < 0.4:
        return Case("npy", name, arrays=(("", replace(main, version=rng.choice((1, 1, 2)))),))
    arrays = [(rng.choice(("matrices", "matrices", "arr_0")), main)]
    if rng.random() < 0.5:
        ids: Any = [f"m{i}\u00e9" for i in range(len(array))]
        if rng.random() < 0.2:
            ids = np.arange(len(array), dtype=rng.choice(("<i8", "|u1", ">i4")))
        arrays.insert(rng.choice((0, 1)), ("ids", saved(np.array(ids))))
    if rng.random() < 0.1 and arrays[0][0] != "arr_0" and arrays[-1][0] != "arr_0":
        arrays.append(("other", saved(np.zeros(2))))
    return Case("npz", name, arrays=tuple(arrays), method=rng.choice((0, 8)))
