"""The bundles to measure: made once, by the compiler as `make model` runs it, and watched."""

import hashlib
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from bench import FOLDER
from bench.processes import run_measured

DEMO = Path("models/demo/bundle")
TITLES = {
    "demo": "demo",
    "small": "small CNN",
    "resnet": "ResNet",
    "cnn_lstm": "CNN+LSTM",
    "large": "1 GB of weights",
}
# A compiler that takes more is ended: tf2onnx took 23.8 GB for the model of 1 GB.
_LIMIT_MB = 8_000
_BUNDLES = FOLDER / "bundles"
# What a bundle depends on, beside its HDF5 file.
_COMPILER = (
    "models/compiler/**/*.py",
    "layers/serving/python/serving/*.py",
    "layers/serving/python/serving/engines/*.py",
    "layers/serving/python/serving/hdf5/*.py",
    "requirements/model.txt",
)


@dataclass(frozen=True, slots=True)
class Compiled:
    """How the compiler fared with a model.

    Attributes:
        engine: which the passport names; None where there is no bundle.
        fault: why there is none.
    """

    key: str
    seconds: float
    peak_mb: float
    engine: str | None
    converter: str | None
    fault: str | None


def keras_file(name: str) -> Path:
    """The model's HDF5 file, made if it is not there or its script changed."""
    if name == "demo":
        return DEMO / "model.h5"
    script = hashlib.sha256(Path("bench/models.py").read_bytes()).hexdigest()[:12]
    path = FOLDER / "models" / f"{name}-{script}.h5"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        for old in path.parent.glob(f"{name}-*.h5"):
            old.unlink()
        _say(f"making the model {name}")
        command = [sys.executable, "-m", "bench.models", name, str(path)]
        done = run_measured(command, FOLDER / "models" / f"{name}.log", _LIMIT_MB)
        if done.code:
            raise RuntimeError(f"{' '.join(command)}\n{done.output}")
    return path


def bundle(name: str) -> Path:
    """The folder that serves; for the demo, the one that is committed."""
    return DEMO if name == "demo" else _BUNDLES / name


def compile_model(name: str) -> Compiled:
    """Build the bundle, or say how that went if nothing changed since."""
    source = keras_file(name)
    key, record = _key(source), FOLDER / "compiled" / f"{name}.json"
    if record.exists():
        known = Compiled(**json.loads(record.read_text()))
        if known.key == key and (known.fault or bundle(name).exists()):
            return known
    _say(f"compiling {name}")
    record.parent.mkdir(parents=True, exist_ok=True)
    # The demo is compiled like the others to see what that takes; its own bundle serves.
    command = [
        sys.executable, "-m", "compiler", str(source), f"--name={name}", f"--bundles={_BUNDLES}"
    ]  # fmt: skip
    done = run_measured(command, record.with_suffix(".log"), _LIMIT_MB)
    passport = _BUNDLES / name / "passport.json"
    content = json.loads(passport.read_text()) if done.code == 0 else {"engine": None}
    compiled = Compiled(
        key=key,
        seconds=done.seconds,
        peak_mb=done.peak_mb,
        engine=content["engine"],
        converter=(content.get("compiled") or {}).get("converter"),
        fault=_fault(done.code, done.output),
    )
    record.write_text(json.dumps(asdict(compiled), indent=2) + "\n", encoding="utf-8")
    return compiled


def ready(names: Iterable[str]) -> list[str]:
    """Those of the models that have a bundle; says what is wrong with the others."""
    whole = []
    for name in names:
        compiled = compile_model(name)
        if compiled.fault:
            _say(f"no bundle of {name}: {compiled.fault}")
        else:
            whole.append(name)
    return whole


def _fault(code: int, output: str) -> str | None:
    if code == -9:
        return f"the compiler took more than {_LIMIT_MB / 1000:.0f} GB and was ended"
    if code:
        return (output.strip().splitlines() or [f"code {code}"])[-1][:300]
    return None


def _key(source: Path) -> str:
    digest = hashlib.sha256(source.name.encode())
    digest.update(str(source.stat().st_size).encode())
    for pattern in _COMPILER:
        for path in sorted(Path().glob(pattern)):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
