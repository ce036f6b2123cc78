"""The pictures, by their pixels: there is something on them, and as many colours as classes."""

import io
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from fruits.plots import CHOSEN, LEFT, MOST_NAMES, legible, pick_colours, scatter, scree, spread

Pixels = NDArray[np.uint8]


def decode(png: bytes) -> Pixels:
    with Image.open(io.BytesIO(png)) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB"))


def count(pixels: Pixels, colour: str) -> int:
    rgb = np.frombuffer(bytes.fromhex(colour[1:]), np.uint8)
    return int((pixels == rgb).all(axis=2).sum())


def make_classes(classes: int, each: int = 12) -> tuple[NDArray[np.float64], list[str]]:
    generator = np.random.default_rng(0)
    centres = generator.normal(0, 10, (classes, 2))
    points = np.repeat(centres, each, axis=0) + generator.normal(0, 0.5, (classes * each, 2))
    return points, [f"Fruit {i // each}" for i in range(classes * each)]


def test_a_scree_plot_shows_kept_and_other_components() -> None:
    shares = (0.5 ** np.arange(1, 9)).tolist()
    three, six = (decode(scree(shares, k, f"{k} asked for")) for k in (3, 6))
    assert three.shape == six.shape == (600, 1080, 3)
    assert count(six, CHOSEN) > count(three, CHOSEN) > 1000
    assert count(three, LEFT) > count(six, LEFT) > 50


def test_a_scree_plot_of_all_components_has_no_other_bar() -> None:
    pixels = decode(scree([0.75, 0.25], 2))
    assert count(pixels, LEFT) == 0
    assert count(pixels, CHOSEN) > 1000


@pytest.mark.parametrize("classes", [1, 2, 20, 131])
def test_a_scatter_plot_has_a_colour_for_each_class(classes: int) -> None:
    pixels = decode(scatter(*make_classes(classes)))
    assert min(pixels.shape[:2]) > 700
    seen = np.unique(pixels.reshape(-1, 3), axis=0)
    assert len(seen) > classes
    white = (pixels == 255).all(axis=2).mean()
    assert 0.5 < white < 0.995
    # The legend's marks are the colours themselves, laid on white.
    found = sum(_is_drawn(seen, colour) for colour in pick_colours(classes))
    assert found == classes


def _is_drawn(seen: Pixels, colour: tuple[float, float, float]) -> bool:
    on_white = 255 * (0.75 * np.array(colour) + 0.25)
    return bool((np.abs(seen - on_white).max(axis=1) <= 2).any())


def test_colours_of_classes_differ() -> None:
    colours = np.array(pick_colours(MOST_NAMES))
    apart = np.abs(colours[:, None] - colours[None]).max(axis=2) + np.eye(MOST_NAMES)
    assert apart.min() > 0.005
    assert np.abs(np.diff(colours, axis=0)).max(axis=1).min() > 0.15


def test_the_same_points_give_the_same_bytes() -> None:
    points, labels = make_classes(3)
    assert scatter(points, labels) == scatter(points, labels)
    assert scree([0.7, 0.3], 1) == scree([0.7, 0.3], 1)


def test_of_many_points_some_are_drawn_and_the_picture_says_so() -> None:
    points, labels = make_classes(2, each=2000)
    few, all_of_them = (decode(scatter(points, labels, most=most)) for most in (50, 4000))
    inked = [(pixels < 250).any(axis=2).sum() for pixels in (few, all_of_them)]
    assert inked[0] < inked[1]
    head = [(pixels[:60] < 250).any(axis=2).sum() for pixels in (few, all_of_them)]
    assert head[0] > head[1] + 200  # a line more above the picture
    sampled = decode(scatter(points, labels, total=90_000))
    assert (sampled[:60] < 250).any(axis=2).sum() > head[1] + 200


def test_of_very_many_classes_the_rare_ones_are_one() -> None:
    points = np.random.default_rng(0).normal(0, 1, (1000, 2))
    labels = [f"{i % 700}" for i in range(1000)]
    pixels = decode(scatter(points, labels))
    assert pixels.shape[1] < 2000


def test_one_component_alone_is_drawn_by_class() -> None:
    points, labels = make_classes(4)
    assert (decode(scatter(points[:, :1], labels, explained=[1.0])) < 200).any()


def test_points_all_in_one_place_are_drawn() -> None:
    assert (decode(scatter(np.zeros((9, 2)), list("abcabcabc"))) < 200).any()


ODD_NAMES = [
    "_hid",
    "$x^$",
    "$\\frac{$",
    "",
    " ",
    "梨",
    "a\nb",
    "\x00",
    "\u202eelppa",
    "=1+1",
    "%s",
]


@pytest.mark.parametrize("more", [0, 20], ids=["names", "numbers"])
def test_a_class_may_have_any_name(more: int) -> None:
    """No formula, no hidden entry, no missing glyph: each would be a warning, or an error."""
    points, labels = make_classes(len(ODD_NAMES) + more, each=2)
    labels[: 2 * len(ODD_NAMES)] = 2 * ODD_NAMES
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        png = scatter(points, labels)
    assert (decode(png) < 200).any()


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_a_legible_name_is_one_short_line(name: str) -> None:
    shown = legible(name)
    assert len(shown) <= 26
    assert shown.isprintable()


def test_a_usual_name_is_shown_as_it_is() -> None:
    assert legible("Pomme d'été 1, “Größe”") == "Pomme d'été 1, “Größe”"
    assert legible("梨 1") == "? 1"


def test_names_that_would_cover_each_other_are_moved_apart() -> None:
    middles = np.array([[0.0, 0.0], [0.0, 0.0], [0.01, 0.001], [5.0, 5.0]])
    reach = np.array([10.0, 10.0])
    places = spread(middles, reach, ["one", "two", "three", "four"])
    gaps = np.abs(places[:3, None, 1] - places[None, :3, 1])[~np.eye(3, dtype=bool)]
    assert gaps.min() > 0.2
    assert places[3].tolist() == [5.0, 5.0]
    assert places[:, 0] == pytest.approx(middles[:, 0])
