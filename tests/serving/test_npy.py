"""npz and npy documents: the header is a claim, the pickle is refused."""

import contextlib
import io
import struct
import tracemalloc
import zipfile
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.errors import InvalidInputError, MalformedError
from tests.support.documents import matrices, npy, npz, read

ROWS = np.arange(12, dtype=np.float64).reshape(4, 3)


def archive(method: int = zipfile.ZIP_STORED, /, **members: bytes) -> bytes:
    """A zip of raw members."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as z:
        for name, content in members.items():
            z.writestr(f"{name}.npy", content)
    return file.getvalue()


def header(shape: str, descr: str = "<f8", fortran: bool = False) -> bytes:
    """An npy header that claims anything."""
    text = f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}"
    padded = text.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(padded)) + padded.encode()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(npy(ROWS), id="npy"),
        pytest.param(npy(ROWS.astype(">f8")), id="big-endian"),
        pytest.param(npy(np.asfortranarray(ROWS)), id="Fortran order"),
        pytest.param(npy(ROWS.astype(np.float32)), id="float32"),
        pytest.param(npy(ROWS.astype(np.uint8)), id="uint8"),
        pytest.param(archive(anything=npy(ROWS)), id="npz of one array"),
        pytest.param(archive(matrices=npy(ROWS), y=npy(ROWS)), id="npz with others"),
    ],
)
def test_npy_reads(content: bytes) -> None:
    result = read(content)
    assert [m.id for m in result] == ["0", "1", "2", "3"]
    assert np.array_equal(np.stack([m.values for m in result]), ROWS)


def test_npz_keeps_ids() -> None:
    given = matrices(40, (3,))
    result = read(npz(given))
    assert [m.id for m in result] == [m.id for m in given]
    assert all(a.values.tobytes() == b.values.tobytes() for a, b in zip(given, result, strict=True))


def test_npy_rows_may_be_flat_as_in_xml() -> None:
    assert read(npy(ROWS), (3, 1))[0].values.shape == (3, 1)


def test_npy_may_leave_lengths_open() -> None:
    assert read(npy(np.ones((2, 7, 5))), (None, 5))[1].values.shape == (7, 5)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(npy(ROWS[:0]), "no matrix", id="no rows"),
        pytest.param(npy(np.float64(3)), "no matrix", id="scalar"),
        pytest.param(npy(np.ones((2, 4))), "expected an array of shape (any, 3)", id="shape"),
        pytest.param(npy(np.array([[1, np.nan, 3]])), 'matrix "0": value 1 is not', id="NaN"),
        pytest.param(npy(np.array([[1, 2, 2**60]])), "beyond 2**53", id="int64"),
        pytest.param(npy(np.array([[2**53 + 1, 2, 3]])), "beyond 2**53", id="rounded int64"),
        pytest.param(npy(np.array([[-(2**53) - 1, 2, 3]])), "beyond 2**53", id="negative int64"),
        pytest.param(b"\x93NUMPY\x01\x00\x02\x00{\n", "damaged npy header", id="header open"),
        pytest.param(header("()", "("), "damaged npy header", id="header of another type"),
        pytest.param(header(f"(1, {'9' * 90})"), "not the shape of an array", id="long number"),
        pytest.param(archive(zipfile.ZIP_BZIP2, a=npy(ROWS)), "use np.savez", id="bzip2"),
        pytest.param(archive(zipfile.ZIP_LZMA, a=npy(ROWS)), "use np.savez", id="LZMA"),
        pytest.param(npy(np.ones((1, 3), complex)), "expected real numbers", id="complex"),
        pytest.param(npy(np.array([["a", "b", "c"]])), "expected real numbers", id="text"),
        pytest.param(header("(1, 3)", "|O"), "pickle", id="objects"),
        pytest.param(header("(10**9, 3)"), "damaged npy header", id="expression"),
        pytest.param(header("(-1, 3)"), "damaged npy header", id="negative"),
        pytest.param(header("(1000000000, 3)"), "truncated array", id="claims a lot"),
        pytest.param(header("(1, 3)"), "truncated array", id="no data"),
        pytest.param(header("(9000000000, 3)", fortran=True), "the limit is", id="Fortran claim"),
        pytest.param(npy(ROWS) + b"x", "after the end", id="surplus"),
        pytest.param(npy(ROWS)[:9], "damaged npy header", id="header cut"),
        pytest.param(archive(a=npy(ROWS), b=npy(ROWS)), 'found: "a", "b"', id="two arrays"),
        pytest.param(archive(), "found: none", id="no array"),
        pytest.param(archive(a=npy(ROWS))[:-30], "damaged npz", id="zip cut"),
        pytest.param(b"PK\x03\x04rubbish", "damaged npz", id="not a zip"),
        pytest.param(
            archive(a=npy(ROWS), ids=npy(np.array(["x"]))), "1 entries for 4", id="ids short"
        ),
        pytest.param(
            archive(a=npy(ROWS[:2]), ids=npy(np.array(["x", "x"]))), "occurs twice", id="ids twice"
        ),
        pytest.param(
            archive(a=npy(ROWS[:1]), ids=header("(1,)", "|O")), '"ids" is an array of', id="ids"
        ),
        pytest.param(
            archive(a=npy(ROWS[:1]), ids=npy(np.array(["\ud800"]))), "not text", id="surrogate"
        ),
    ],
)
def test_npy_refuses(content: bytes, reason: str) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        read(content)
    assert reason in str(refusal.value)


def test_npz_refuses_a_flipped_bit() -> None:
    content = bytearray(npz(matrices(3, (3,))))
    content[content.index(b"NUMPY") + 130] ^= 1
    with pytest.raises(MalformedError, match="CRC"):
        read(bytes(content))


def test_npz_refuses_a_bomb() -> None:
    file = io.BytesIO()
    np.savez_compressed(file, np.zeros((200_000, 3)))
    assert len(file.getvalue()) < 10_000
    with pytest.raises(InvalidInputError, match="holds more than 1,000,000 bytes"):
        read(file.getvalue(), inflated_bytes=1_000_000)


def test_npz_refuses_a_directory_of_many_arrays() -> None:
    """zipfile would make an object of each of its entries: a gigabyte of some megabytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for i in range(22_000):
            archive.writestr(f"{i}", b"")
    with pytest.raises(InvalidInputError, match="too many arrays"):
        read(file.getvalue())


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_npz_with_any_byte_changed_is_read_or_refused(at: int, value: int) -> None:
    content = bytearray(npz(matrices(2, (3,))))
    content[at % len(content)] = value
    with contextlib.suppress(InvalidInputError):
        read(bytes(content))


@given(st.binary(max_size=80))
def test_npy_with_any_header_is_read_or_refused(text: bytes) -> None:
    with contextlib.suppress(InvalidInputError):
        read(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text)


def test_npy_reads_what_python_2_saved() -> None:
    [matrix] = read(header("(1L, 3L)") + ROWS[:1].tobytes())
    assert matrix.values.tolist() == [0, 1, 2]


def test_npy_refuses_a_shape_of_truth_values() -> None:
    with pytest.raises(MalformedError, match="not the shape of an array"):
        read(header("(True, 3)") + ROWS[:1].tobytes())


@pytest.mark.parametrize("code", [0x110000, 0x31000000, 0x80000000, 0xFFFFFFFF])
@pytest.mark.parametrize("order", ["<", ">"])
def test_npz_refuses_ids_beyond_unicode(code: int, order: str) -> None:
    """NumPy makes texts of them, which Python cannot have."""
    ids = header("(1,)", f"{order}U1") + struct.pack(f"{order}I", code)
    with pytest.raises(MalformedError, match='"ids" holds what is not text'):
        read(archive(matrices=npy(ROWS[:1]), ids=ids))


def test_npz_refuses_damage_without_quoting_a_long_name() -> None:
    content = archive(**{"n" * 300: npy(ROWS)}).replace(ROWS.tobytes(), bytes(ROWS.nbytes))
    with pytest.raises(MalformedError, match="damaged npz: Bad CRC-32") as refusal:
        read(content)
    assert len(str(refusal.value)) < 120


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        pytest.param(np.array([1.0, np.inf, 3.0]), "value 1 is not finite", id="infinity"),
        pytest.param(np.array([1, 2, 2**53 + 1]), "value 2 is an integer beyond", id="integer"),
        pytest.param(np.array([-(2**53) - 1, 2, 3]), "value 0 is an integer beyond", id="below"),
        pytest.param(np.array([1, 2, 2**64 - 1], "u8"), "value 2 is an integer", id="unsigned"),
    ],
)
@pytest.mark.parametrize("position", [0, 31, 5_000, 20_001])
def test_npy_names_the_first_matrix_at_fault_among_many(
    row: Any, reason: str, position: int
) -> None:
    rows = np.ones((20_003, 3), row.dtype)
    rows[position] = rows[-1] = row
    with pytest.raises(InvalidInputError, match=reason) as refusal:
        read(npy(rows))
    assert refusal.value.matrix == str(position)


@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<f2", "|i1", ">u8"])
def test_npy_reads_many_small_matrices(dtype: str) -> None:
    rows = np.arange(120_000).reshape(40_000, 3) % 120
    found = read(npy(rows.astype(dtype)))
    assert np.array_equal(np.stack([matrix.values for matrix in found]), rows)


@pytest.mark.parametrize("dtype", ["<U3", ">U3", "=U3"])
def test_npz_reads_ids_in_any_order_of_bytes(dtype: str) -> None:
    names = np.array(["a", "\U0010ffff", "é😀"], dtype)
    found = read(archive(matrices=npy(ROWS[:3]), ids=npy(names)))
    assert [matrix.id for matrix in found] == names.tolist()


@pytest.mark.parametrize("start", [b"\x01\x00\xff\xff", b"\x02\x00\x00\x00\x00\xf1"], ids=str)
def test_a_header_that_says_it_is_long_takes_no_memory(start: bytes) -> None:
    tracemalloc.start()
    with pytest.raises(MalformedError, match="damaged npy header"):
        read(b"\x93NUMPY" + start + b"{}")
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 10_000_000
