"""make demo: trains the demo model, builds its bundle, and writes its sample and its card.

Seeded throughout; the committed files come from one run of this script.
"""

import argparse
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

from compiler.bundling import Order, build
from demo.signals import CLASSES, POINTS, make_signals
from serving.documents.convert import write_xml
from serving.documents.matrix import Matrix

HERE = Path(__file__).parent
TRAINING, UNSEEN, SEED = 6000, 2000, 7


def network() -> keras.Model:
    """Convolutions that look at 4.5 s of signal, then the average and the peak over time."""
    x = inputs = keras.Input((POINTS, 1), name="signal")
    x = layers.AveragePooling1D(5)(x)
    for filters, kernel, stride, dilation in (
        (16, 15, 2, 1),
        (24, 9, 2, 1),
        (32, 9, 2, 1),
        (32, 9, 1, 2),
        (48, 9, 1, 4),
    ):
        x = layers.Conv1D(
            filters, kernel, strides=stride, dilation_rate=dilation, padding="same", use_bias=False
        )(x)
        x = layers.BatchNormalization()(x)
        x = layers.ReLU()(x)
    x = layers.Concatenate()([layers.GlobalAveragePooling1D()(x), layers.GlobalMaxPooling1D()(x)])
    x = layers.Dense(32, activation="relu")(x)
    outputs = layers.Dense(2, activation="softmax", name="rhythm")(x)
    return keras.Model(inputs, outputs, name="demo")


def train(epochs: int) -> tuple[keras.Model, dict[str, Any]]:
    """The trained network, and what it gets right on signals that it has not seen."""
    keras.utils.set_random_seed(SEED)
    signals, classes = make_signals(TRAINING, SEED)
    model = network()
    model.compile(
        keras.optimizers.Adam(
            keras.optimizers.schedules.CosineDecay(2e-3, epochs * TRAINING // 64)
        ),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    model.fit(signals, classes, batch_size=64, epochs=epochs, verbose=2)
    unseen, truth = make_signals(UNSEEN, SEED + 1)
    guesses = model.predict(unseen, verbose=0).argmax(axis=1)
    matrix = [[int(((truth == t) & (guesses == g)).sum()) for g in (0, 1)] for t in (0, 1)]
    return model, {
        "classes": list(CLASSES),
        "trained_on": f"{TRAINING} synthetic signals, seed {SEED}",
        "unseen": f"{UNSEEN} synthetic signals, seed {SEED + 1}",
        "accuracy_unseen": float((guesses == truth).mean()),
        "confusion_unseen": matrix,
        "purpose": "demonstration; not a medical device",
    }


def write_sample(path: Path) -> None:
    """One signal of each class as XML, one in each form, rounded to a tenth of a microvolt."""
    signals, classes = make_signals(16, SEED + 2)
    with path.open("w", encoding="utf-8") as file:
        chosen = [
            Matrix(name, np.round(signals[int(np.argmax(classes == number))], 4))
            for number, name in enumerate(CLASSES)
        ]
        write_xml(file, chosen, forms=("text", "values"))


def main() -> None:
    """Train, save, build, describe."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--out", type=Path, default=HERE)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    model, notes = train(args.epochs)
    source = args.out / "trained.h5"
    model.save(source, include_optimizer=False)
    passport = build(Order(source, args.out / "bundle", "demo", version="1", notes=notes))
    source.unlink()
    write_sample(args.out / "sample.xml")
    print(f"accuracy on unseen signals: {notes['accuracy_unseen']:.4f}; engine {passport.engine}")


if __name__ == "__main__":
    main()
