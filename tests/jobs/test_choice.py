"""How many components are kept follows from the curve of explained variance alone."""

import numpy as np
import pytest

from fruits.choice import Choice, choose_k
from serving.errors import ConfigurationError

CURVE = np.array([0.5, 0.2, 0.1, 0.02, 0.015, 0.01])


@pytest.mark.parametrize(
    ("choice", "k", "criterion"),
    [
        pytest.param(Choice(k=4), 4, "4 asked for", id="number"),
        pytest.param(Choice(variance=0.6), 2, "2 explain 0.7000", id="share"),
        pytest.param(Choice(variance=0.8), 3, "3 explain 0.8000", id="share met exactly"),
        pytest.param(Choice(variance=0.9), 6, "not reached: all 6 give 0.8450", id="share missed"),
        pytest.param(Choice(elbow=True), 3, "component 3 of 6 is the farthest", id="elbow"),
    ],
)
def test_choice_of_k(choice: Choice, k: int, criterion: str) -> None:
    chosen, said = choose_k(CURVE, choice)
    assert chosen == k
    assert criterion in said


@pytest.mark.parametrize("most", [1, 2])
def test_a_curve_too_short_to_bend_is_kept_whole(most: int) -> None:
    assert choose_k(CURVE[:most], Choice(elbow=True))[0] == most


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        pytest.param({}, "one criterion of variance, number, elbow; got 0", id="none"),
        pytest.param({"k": 2, "elbow": True}, "elbow; got 2", id="two"),
        pytest.param({"variance": 1.0}, "between 0 and 1, got 1.0", id="all variance"),
        pytest.param({"variance": float("nan")}, "between 0 and 1, got nan", id="NaN"),
        pytest.param({"k": 0}, "expected 1 or more, got 0", id="no component"),
    ],
)
def test_a_criterion_refuses(given: dict[str, float], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        Choice(**given)  # type: ignore[arg-type]


def test_more_components_than_there_are_cannot_be_kept() -> None:
    with pytest.raises(ConfigurationError, match="7 asked for, there are 6"):
        choose_k(CURVE, Choice(k=7))
