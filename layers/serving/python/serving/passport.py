"""A model bundle's passport: what the model is, who read it, how far its engine was proven.

The bundle is a folder: `model.h5` (the source of truth, untouched), `model.onnx` where the fast
engine serves it, and `passport.json`.
"""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, PositiveInt, ValidationError

from serving.errors import ModelRefusedError
from serving.settings import BATCH_SIZE
from serving.signature import TensorSpec

PASSPORT, SOURCE, COMPILED = "passport.json", "model.h5", "model.onnx"
SAMPLE = "sample.xml"  # the golden input as a document, for a first try
NAME, VERSION = r"^[a-z0-9][a-z0-9._-]{0,63}$", r"^[A-Za-z0-9._-]{1,64}$"
EngineName = Literal["onnx", "tensorflow"]
Loader = Literal["keras", "tf-keras"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Tensor(_Part):
    """A signature: shape without the batch axis, null where a dimension is open."""

    shape: tuple[PositiveInt | None, ...]
    dtype: str

    @property
    def spec(self) -> TensorSpec:
        return TensorSpec(self.shape, self.dtype)


class Source(_Part):
    """The HDF5 file, and how it was read."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size_bytes: int
    keras_version: str
    loader: Loader
    loader_version: str
    trusted_code: bool = False
    freed_batch_size: int | None = None


class Compiled(_Part):
    """The ONNX file, and what wrote it; mapped: it finds its large weights in model.h5."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size_bytes: int
    opset: int
    converter: str
    mapped: bool = False


class Comparison(_Part):
    """One batch on which the ONNX engine was held against TensorFlow.

    For the difference see `serving.model.difference`; null where it is infinite.
    """

    inputs: str
    matrices: int
    difference: float | None
    tolerance: float


class Agreement(_Part):
    """How far the ONNX engine is from TensorFlow, and TensorFlow from the answers expected."""

    expected_difference: float | None = None
    comparisons: list[Comparison]

    @property
    def largest_difference(self) -> float | None:
        """Over all comparisons; None where nothing was compared."""
        found = [c.difference for c in self.comparisons if c.difference is not None]
        return max(found, default=None)


class Golden(_Part):
    """One matrix and the answer that TensorFlow gave; nested lists, row-major.

    `sizes` is the largest |answer| seen, for each component: what a difference is relative to.
    `tolerance` leaves room for another processor, whose engine rounds differently.
    """

    input: Any
    output: Any
    sizes: list[FiniteFloat]
    tolerance: float = Field(ge=0, le=1, allow_inf_nan=False)


class Passport(_Part):
    """The whole passport; `batch_size` is how many matrices the engine takes at once."""

    format: Literal[1] = 1
    name: str = Field(pattern=NAME)
    version: str = Field(pattern=VERSION)
    engine: EngineName
    fallback_reason: str | None = None
    batch_size: int = Field(default=BATCH_SIZE, ge=1)
    input: Tensor
    output: Tensor
    source: Source
    compiled: Compiled | None = None
    agreement: Agreement
    notes: dict[str, Any] = {}
    golden: Golden


def read_passport(bundle: Path) -> Passport:
    """Read a bundle's passport.

    Raises:
        ModelRefusedError: there is none, or it is not one.
    """
    if bundle.is_file():
        raise ModelRefusedError(
            f"{bundle} is a file, expected a bundle (a folder): make model MODEL={bundle}"
        )
    try:
        text = (bundle / PASSPORT).read_bytes()
    except OSError as cause:
        raise ModelRefusedError(
            f"no model bundle in {bundle}: {PASSPORT}: {cause.strerror}"
        ) from cause
    try:
        return Passport.model_validate_json(text)
    except ValidationError as cause:
        first = cause.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "document"
        raise ModelRefusedError(f"{bundle / PASSPORT}: {place}: {first['msg']}") from cause
