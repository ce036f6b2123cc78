"""The agreement of neighbours: what is apart is seen, what tells nothing gives chance."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fruits.neighbours import MOST_ROWS, agreement
from serving.errors import InvalidInputError

LABELS = [f"class {i % 10}" for i in range(1000)]


def make_points(apart: float, rows: int = 1000) -> NDArray[np.float64]:
    """Balls around ten centres of a space of ten dimensions."""
    noise = np.random.default_rng(1).normal(0, 1, (rows, 10))
    return noise + apart * np.eye(10)[np.arange(rows) % 10]


def count_plainly(points: NDArray[np.float64], labels: list[str], neighbours: int) -> float:
    """The same, one point after the other; no two distances may be equal."""
    kinds, shares = np.array(labels), []
    for i, point in enumerate(points):
        away = np.linalg.norm(points - point, axis=1)
        away[i] = np.inf
        shares.append((kinds[np.argsort(away)[:neighbours]] == kinds[i]).mean())
    return float(np.mean(shares))


def test_classes_that_are_apart_agree() -> None:
    measured = agreement(make_points(50), LABELS)
    assert measured.share == pytest.approx(1, abs=1e-12)
    assert measured.share <= 1
    assert (measured.rows, measured.classes, measured.neighbours) == (1000, 10, 5)


@pytest.mark.parametrize("neighbours", [1, 5, 17])
def test_it_is_what_plain_counting_gives(neighbours: int) -> None:
    points = make_points(2.5)
    measured = agreement(points, LABELS, neighbours=neighbours)
    plain = count_plainly(points, LABELS, neighbours)
    assert 0.2 < plain < 0.95
    assert measured.share == pytest.approx(plain, abs=1e-12)


def test_chance_is_what_neighbours_picked_blindly_give() -> None:
    labels = ["a"] * 900 + ["b"] * 100
    measured = agreement(make_points(0), labels)
    assert measured.chance == pytest.approx((900 * 899 + 100 * 99) / (1000 * 999))
    assert measured.shuffled == pytest.approx(measured.chance, abs=0.03)


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e300 / 3e290, -7e5])
def test_a_feature_that_is_the_same_for_all_gives_chance(constant: float) -> None:
    """Also with the labels in order, where the first rows found would all be of one class."""
    measured = agreement(np.full((1000, 7), constant), sorted(LABELS))
    assert measured.share == pytest.approx(measured.chance, abs=1e-9)
    assert measured.shuffled == pytest.approx(measured.chance, abs=1e-9)


def test_shuffled_points_give_chance() -> None:
    points = np.random.default_rng(3).permutation(make_points(50))
    measured = agreement(points, LABELS)
    assert measured.share == pytest.approx(0.1, abs=0.02)
    assert measured.chance == pytest.approx(0.1, abs=0.001)


def test_shuffled_labels_give_chance_where_points_agree() -> None:
    measured = agreement(make_points(50), LABELS)
    assert measured.shuffled == pytest.approx(measured.chance, abs=0.02)


def test_points_that_are_equally_far_count_in_parts() -> None:
    """Of the point at 0 both others are the nearest one: one of them has its label."""
    points = np.array([[0.0], [1.0], [-1.0]])
    measured = agreement(points, ["a", "a", "b"], neighbours=1)
    assert measured.share == pytest.approx((0.5 + 1 + 0) / 3)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**31), scale=st.floats(1e-6, 1e6), move=st.floats(-100, 100))
def test_order_and_scale_of_the_points_do_not_matter(seed: int, scale: float, move: float) -> None:
    points, labels = make_points(2, 200), np.array(LABELS[:200])
    order = np.random.default_rng(seed).permutation(200)
    one = agreement(points, labels.tolist())
    other = agreement((points[order] + move) * scale, labels[order].tolist())
    assert other.share == pytest.approx(one.share, abs=1e-12)


def test_of_many_rows_a_sample_is_measured_and_the_seed_chooses_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert MOST_ROWS == 5000
    monkeypatch.setattr("fruits.neighbours.MOST_ROWS", 700)
    points = make_points(2)
    one, same = (agreement(points, LABELS, seed=4) for _ in range(2))
    assert one.rows == 700
    assert one == same
    other = agreement(points, LABELS, seed=5)
    assert other.share != one.share
    assert other.share == pytest.approx(one.share, abs=0.08)


def test_few_rows_have_fewer_neighbours() -> None:
    measured = agreement(np.array([[0.0], [1.0]]), ["a", "a"])
    assert (measured.neighbours, measured.share, measured.chance) == (1, 1, 1)


@pytest.mark.parametrize(
    ("points", "labels", "neighbours", "reason"),
    [
        pytest.param([[1.0]], ["a"], 5, "2 rows or more, got 1", id="one row"),
        pytest.param(np.empty((0, 3)), [], 5, "got 0", id="none"),
        pytest.param([[1.0], [2.0]], ["a"], 5, "got 2 with 1 labels", id="labels"),
        pytest.param([[1.0], [np.nan]], ["a", "b"], 5, "finite", id="nan"),
        pytest.param([[1.0], [np.inf]], ["a", "b"], 5, "finite", id="infinite"),
        pytest.param([[1.0], [2.0]], ["a", "b"], 0, "1 or more, got 0", id="no neighbour"),
    ],
)
def test_what_cannot_be_measured_is_refused(
    points: list[list[float]], labels: list[str], neighbours: int, reason: str
) -> None:
    with pytest.raises(InvalidInputError, match=reason):
        agreement(np.array(points), labels, neighbours=neighbours)
