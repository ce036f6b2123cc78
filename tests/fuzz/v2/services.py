"""The handlers that are tested: the demo bundle, and small models whose requests are short."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Imported here since the service imports it with the first request, which is too late to look on.
import predict.v2.request
import predict.v2.response  # noqa: F401
from predict.api import create_app
from predict.events import Handler
from predict.gateway import create_handler
from serving.engines import Engine, open_engine
from serving.model import Model
from serving.passport import Agreement, Golden, Passport, Source, Tensor, read_passport
from serving.settings import Limits, Settings

Array = NDArray[Any]

_ROOT = Path(__file__).parents[3]
_BUNDLE = _ROOT / "models/demo/bundle"
LONGEST_OPEN = 40  # what the model "open" computes


@dataclass(slots=True)
class Recorder:
    """An engine that remembers what it was given, and what it gave."""

    engine: Engine
    batches: list[Array] = field(default_factory=list)
    outputs: list[Array] = field(default_factory=list)
    failed: bool = False

    def run(self, batch: Array) -> Array:
        """See `serving.engines.Engine`."""
        try:
            output = self.engine.run(batch)
        except Exception:
            self.failed = True
            raise
        self.batches.append(batch)
        self.outputs.append(output)
        return output

    def clear(self) -> None:
        """Forget."""
        self.batches, self.outputs, self.failed = [], [], False


@dataclass(frozen=True, slots=True)
class Service:
    """One handler, around one model."""

    passport: Passport
    limits: Limits
    recorder: Recorder
    handler: Handler


@dataclass(frozen=True, slots=True)
class _Arithmetic:
    """An engine of one expression."""

    compute: Callable[[Array], Array]

    def run(self, batch: Array) -> Array:
        with np.errstate(over="ignore", invalid="ignore"):
            return self.compute(batch)


def _dense(batch: Array) -> Array:
    weights = np.array([[0.5, -1.0], [2.0, 0.25], [-3.0, 1.0]], np.float32)
    return np.asarray(batch @ weights)


def _sheet(batch: Array) -> Array:
    return np.asarray(batch.astype(np.float32) * np.float32(0.1))


def _open(batch: Array) -> Array:
    if batch.shape[1] > LONGEST_OPEN:
        raise ValueError("too long for this model")
    return np.asarray(batch.sum(axis=(1, 2)))[:, None]


def _whole(batch: Array) -> Array:
    return np.asarray(batch.astype(np.int64).sum(axis=2))


# So that little is too much.
_LOW_LIMITS = {
    "LIMIT_TEXT_BYTES": "5000",
    "LIMIT_BINARY_BYTES": "4000",
    "LIMIT_INFLATED_BYTES": "8000",
    "LIMIT_ANSWER_BYTES": "1500",
    "LIMIT_MATRICES": "100",
    "LIMIT_ID_CHARACTERS": "20",
}
# Name → input's shape and type, output's shape and type, and what is computed.
_SMALL: dict[str, tuple[tuple[int | None, ...], str, tuple[int, ...], str, Any]] = {
    "dense": ((3,), "float32", (2,), "float32", _dense),
    "sheet": ((2, 3), "float16", (2, 3), "float32", _sheet),
    "open": ((None, 2), "float64", (1,), "float64", _open),
    "whole": ((2, 2), "int32", (2,), "int64", _whole),
}
NAMES = ("dense", "sheet", "open", "whole", "demo")


def open_services() -> Mapping[str, Service]:
    """All of them, by name."""
    demo = read_passport(_BUNDLE)
    engines = {"demo": (demo, open_engine(_BUNDLE, demo, threads=1))}
    engines |= {name: _small(name) for name in _SMALL}
    return {name: _service(*engines[name]) for name in NAMES}


def open_small(name: str) -> Model:
    """One of the small models."""
    return Model(*_small(name), {})


def _small(name: str) -> tuple[Passport, Engine]:
    shape, dtype, out_shape, out_dtype, compute = _SMALL[name]
    tensors = Tensor(shape=shape, dtype=dtype), Tensor(shape=out_shape, dtype=out_dtype)
    return _passport(name, *tensors), _Arithmetic(compute)


def _service(passport: Passport, engine: Engine) -> Service:
    recorder = Recorder(engine)
    env = _LOW_LIMITS if passport.name == "whole" else {}
    settings = Settings.from_env({"MODEL_DIR": str(_BUNDLE)} | env)
    app = create_app(Model(passport, recorder, {}), settings)
    return Service(passport, settings.limits, recorder, create_handler(app))


def _passport(name: str, given: Tensor, answer: Tensor) -> Passport:
    source = Source(
        sha256="0" * 64, size_bytes=1, keras_version="3", loader="keras", loader_version="3"
    )
    return Passport(
        name=name,
        version="1",
        engine="onnx",
        batch_size=4,
        input=given,
        output=answer,
        source=source,
        agreement=Agreement(comparisons=[]),
        golden=Golden(input=None, output=None, sizes=[], tolerance=0),
    )
