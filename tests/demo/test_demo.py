"""The demo model is what its card says."""

from pathlib import Path

import numpy as np

from demo.signals import CLASSES, POINTS, make_signals
from serving.bundle import verify
from serving.documents import Matrix
from serving.model import Model


def test_demo_is_small_and_whole(bundle: Path) -> None:
    passport = verify(bundle)
    assert passport.engine == "onnx"
    assert passport.source.size_bytes < 2_000_000
    assert passport.source.loader == "keras"


def test_demo_tells_rhythms_apart_on_unseen_signals(model: Model) -> None:
    """On signals of another seed than any in the card."""
    signals, truth = make_signals(400, seed=99)
    assert signals.shape == (400, POINTS, 1)
    outputs = [p.output for p in model.predict([Matrix(str(i), s) for i, s in enumerate(signals)])]
    assert (np.argmax(outputs, axis=1) == truth).mean() > 0.95
    assert np.allclose(np.sum(outputs, axis=1), 1, atol=1e-6)


def test_card_states_the_figures_of_the_passport(model: Model, root: Path) -> None:
    card, notes = (root / "docs/demo.md").read_text(), model.passport.notes
    confusion = notes["confusion_unseen"]
    assert tuple(notes["classes"]) == CLASSES
    assert f"Accuracy: {notes['accuracy_unseen']} on 2,000" in card
    for hit, row in ((row[i], row) for i, row in enumerate(confusion)):
        assert f"{hit} of {sum(row)}" in card
