"""Shapes: what a model takes, and what a count of values makes of it."""

import pytest

from serving.signature import TensorSpec, describe, parse_shape


@pytest.mark.parametrize(
    ("shape", "count", "declared", "expected"),
    [
        ((5000, 1), 5000, None, (5000, 1)),
        ((None, 3), 9, None, (3, 3)),
        ((None,), 4, None, (4,)),
        ((), 1, None, ()),
        ((None, None, 2), 12, (2, 3, 2), (2, 3, 2)),
    ],
)
def test_shape_of(
    shape: tuple[int | None, ...],
    count: int,
    declared: tuple[int, ...] | None,
    expected: tuple[int, ...],
) -> None:
    assert TensorSpec(shape, "float32").shape_of(count, declared) == expected


@pytest.mark.parametrize(
    ("shape", "count", "declared", "reason"),
    [
        ((5000, 1), 4999, None, "expected 5000 values, got 4999"),
        ((None, 3), 10, None, "expected a multiple of 3 values, at least one, got 10"),
        ((None, 3), 0, None, "at least one, got 0"),
        ((None, None), 4, None, "leaves 2 dimensions open"),
        ((None, None), 4, (2, 3), "expected 6 values, got 4"),
        ((None, None), 0, (0, 3), "expected 0 values, got 0"),
        ((5, 4), 20, (4, 5), r"expected shape \(5, 4\), got \(4, 5\)"),
    ],
)
def test_shape_of_refuses(
    shape: tuple[int | None, ...], count: int, declared: tuple[int, ...] | None, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        TensorSpec(shape, "float32").shape_of(count, declared)


def test_shapes_are_written_as_people_write_them() -> None:
    assert describe((None, 5000, 1)) == "(any, 5000, 1)"
    assert parse_shape(" 5000, 1 ") == (5000, 1)
    assert parse_shape("round") is None


def test_a_shape_is_not_cut() -> None:
    assert parse_shape("3" + " " * 300 + "7") is None
