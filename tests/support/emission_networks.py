"""Networks of several layers, for Keras 3 and for Keras 2 alike: how emitted layers meet."""

from collections.abc import Callable
from typing import Any

Shape = tuple[int | None, ...]
Network = tuple[Shape, Callable[[Any, Any], Any]]


def _stack(layers: Any, x: Any, *stack: Any) -> Any:
    del layers
    for layer in stack:
        x = layer(x)
    return x


def residual(layers: Any, x: Any) -> Any:
    x = _stack(layers, x, layers.Conv1D(16, 5, strides=2, padding="same"))
    y = _stack(
        layers,
        x,
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.Conv1D(16, 3, padding="same", use_bias=False),
        layers.BatchNormalization(),
    )
    x = layers.Activation("relu")(layers.Add()([x, y]))
    return layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling1D()(x))


def inception(layers: Any, x: Any) -> Any:
    branches = [layers.Conv1D(8, size, padding="same")(x) for size in (3, 5, 8)]
    branches.append(layers.Conv1D(8, 1)(layers.MaxPooling1D(3, 1, padding="same")(x)))
    x = layers.BatchNormalization()(layers.Concatenate()(branches))
    return layers.Dense(2)(layers.Flatten()(x))


def squeeze(layers: Any, x: Any) -> Any:
    """Squeeze and excitation."""
    x = layers.Conv1D(6, 3, activation="relu")(x)
    gate = layers.GlobalAveragePooling1D()(x)
    gate = layers.Dense(6, activation="sigmoid")(layers.Dense(2, activation="relu")(gate))
    gate = layers.Reshape((1, 6))(gate)
    return layers.GlobalMaxPooling1D()(layers.Multiply()([x, gate]))


def merged(name: str) -> Callable[[Any, Any], Any]:
    def build(layers: Any, x: Any) -> Any:
        one, two = layers.Conv1D(4, 3)(x), layers.Conv1D(4, 3)(x)
        return getattr(layers, name)()([one, two])

    return build


def flat_branches(layers: Any, x: Any) -> Any:
    flat = layers.Flatten()(layers.Conv1D(4, 3)(x))
    other = layers.Flatten()(layers.Conv1D(4, 3)(x))
    mixed = layers.Add()([flat, layers.Dropout(0.5)(layers.Activation("tanh")(other))])
    joined = layers.Concatenate()([mixed, flat, layers.Dense(3)(other)])
    return layers.Dense(3)(layers.BatchNormalization()(joined))


def flat_output(layers: Any, x: Any) -> Any:
    return layers.Activation("softmax")(layers.Flatten()(layers.Conv2D(4, 3)(x)))


def shared(layers: Any, x: Any) -> Any:
    """One convolution, called twice, once with a normalisation behind it."""
    convolution = layers.Conv1D(3, 3, padding="same")
    dense = layers.Dense(4)
    first = convolution(x)
    second = layers.BatchNormalization()(convolution(first))
    return layers.Add()([dense(layers.Flatten()(first)), dense(layers.Flatten()(second))])


def read_twice(layers: Any, x: Any) -> Any:
    """A convolution that is normalised, and is read without that as well."""
    x = layers.Conv1D(4, 3)(x)
    return layers.Concatenate(axis=1)([layers.BatchNormalization()(x), layers.Dropout(0.5)(x)])


def mixed_orders(layers: Any, x: Any) -> Any:
    recurrent = layers.LSTM(4, return_sequences=True)(x)
    convolved = layers.Conv1D(4, 3, padding="same")(x)
    x = layers.Average()([recurrent, convolved, layers.Dense(4)(x)])
    x = layers.Concatenate()([x, recurrent])
    return layers.GlobalMaxPooling1D()(layers.PReLU(shared_axes=[1])(x))


def steps(layers: Any, x: Any) -> Any:
    x = layers.TimeDistributed(layers.Dense(4, activation="relu"))(x)
    x = layers.Reshape((5, 4, 4))(x)
    x = layers.TimeDistributed(layers.Conv1D(3, 2))(x)
    x = layers.TimeDistributed(layers.Flatten())(x)
    return layers.Permute((2, 1))(x)


def u_net(layers: Any, x: Any) -> Any:
    down = layers.Conv1D(16, 3, padding="same", activation="relu")(x)
    deep = layers.Conv1D(32, 3, padding="same", activation="relu")(layers.MaxPooling1D(2)(down))
    x = layers.Concatenate()([layers.UpSampling1D(2)(deep), down])
    return layers.Conv1D(1, 1, activation="sigmoid")(x)


def image(layers: Any, x: Any) -> Any:
    x = layers.Conv2D(4, 3, padding="same", activation="relu")(layers.ZeroPadding2D(1)(x))
    x = layers.BatchNormalization()(layers.AveragePooling2D(2)(x))
    x = layers.SeparableConv2D(5, 3)(layers.SpatialDropout2D(0.5)(x))
    return layers.Dense(2)(layers.LayerNormalization()(layers.Flatten()(x)))


NETWORKS: dict[str, Network] = {
    "residual": ((40, 2), residual),
    "residual, open": ((None, 1), residual),
    "inception": ((24, 1), inception),
    "squeeze": ((20, 3), squeeze),
    "Add": ((20, 3), merged("Add")),
    "Average": ((20, 3), merged("Average")),
    "Maximum": ((None, 3), merged("Maximum")),
    "Minimum": ((20, 3), merged("Minimum")),
    "Multiply": ((20, 3), merged("Multiply")),
    "Subtract": ((20, 3), merged("Subtract")),
    "Concatenate": ((20, 3), merged("Concatenate")),
    "flat branches": ((12, 3), flat_branches),
    "flat output": ((7, 8, 2), flat_output),
    "shared": ((12, 3), shared),
    "read twice": ((12, 3), read_twice),
    "mixed orders": ((12, 3), mixed_orders),
    "steps": ((20, 3), steps),
    "u-net": ((16, 1), u_net),
    "image": ((9, 10, 3), image),
}


def nested(library: Any) -> Any:
    """A model within a model, called twice, and a Sequential within that."""
    layers = library.layers
    inner = library.Sequential(
        [library.Input((10, 3)), layers.Conv1D(3, 3, padding="same"), layers.BatchNormalization()]
    )
    inputs = library.Input((10, 3))
    inner.layers[-1].trainable = False
    middle = library.Model(
        inputs, layers.BatchNormalization()(layers.Dense(3)(inner(inputs))), name="middle"
    )
    inputs = library.Input((10, 3))
    x = layers.Flatten()(middle(layers.ReLU()(middle(inputs))))
    return library.Model(inputs, layers.Dense(2)(x))
