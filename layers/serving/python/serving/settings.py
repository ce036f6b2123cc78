"""Everything that can be set, from environment variables, checked once at the start."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Self

from serving.errors import ConfigurationError

# London (eu-west-2) and Zurich (eu-central-2) are AWS regions in Europe, not in the EU.
EU_REGIONS = frozenset(
    {
        "eu-central-1",  # Frankfurt
        "eu-north-1",  # Stockholm
        "eu-south-1",  # Milan
        "eu-south-2",  # Spain
        "eu-west-1",  # Ireland
        "eu-west-3",  # Paris
        "eusc-de-east-1",  # European Sovereign Cloud, Brandenburg
    }
)
BATCH_SIZE = 32  # what an engine takes at once, unless it was measured or is set otherwise
_TENSOR_NAME = re.compile(r"[A-Za-z0-9_.:/-]{1,100}", re.ASCII)
_NCNAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Names:
    """The document's vocabulary, since customers have their own dialects."""

    matrix: str = "matrix"
    value: str = "value"
    id: str = "id"


@dataclass(frozen=True, slots=True)
class TensorNames:
    """What the model's tensors are called in the Open Inference Protocol."""

    input: str = "input"
    output: str = "output"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a document or a request may ask for; sizes in bytes.

    Lambda takes an event of 6 MB, and a body that is not text travels in base64 (4/3). S3 takes
    5 GB in one upload. API Gateway gives a request 30 s.
    """

    text_bytes: int = 6_000_000
    binary_bytes: int = 4_500_000
    inflated_bytes: int = 16_000_000
    markup_bytes: int = 6_000_000
    tags: int = 1_000_000
    answer_bytes: int = 6_000_000
    upload_bytes: int = 5_000_000_000
    link_bytes: int = 2_000_000_000
    link_seconds: int = 25
    matrices: int = 1_000_000
    matrix_values: int = 1_000_000
    id_characters: int = 256
    depth: int = 100


@dataclass(frozen=True, slots=True)
class Storage:
    """Where large documents and their results are, and how long what is signed holds.

    Attributes:
        endpoint: of an S3 that is not AWS's, for development.
        kms_key: the ARN of the key that the bucket encrypts with; None where S3 has its own.
        queue_url, max_receives: of the queue that brings documents, and how often it tries.
        hand_over_s: how long before an invocation ends its work is kept for the next one.
    """

    bucket: str
    region: str | None = None
    endpoint: str | None = None
    kms_key: str | None = None
    queue_url: str | None = None
    max_receives: int = 5
    hand_over_s: int = 30
    upload_expires_s: int = 3_600
    result_expires_s: int = 900


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole configuration of a deployable; without a bucket nothing is uploaded."""

    model_dir: Path
    region: str | None = None
    endpoint: str | None = None
    storage: Storage | None = None
    batch_size: int | None = None  # what the passport says
    names: Names = field(default_factory=Names)
    tensors: TensorNames = field(default_factory=TensorNames)
    limits: Limits = field(default_factory=Limits)
    tracing: bool = False

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Read the settings; see docs/settings.md for the variables.

        Raises:
            ConfigurationError: a variable is missing or wrong, or the region is not in the EU.
        """
        if not (model_dir := env.get("MODEL_DIR")):
            raise ConfigurationError(
                "MODEL_DIR is not set: it names the folder of the model bundle"
            )
        return cls(
            model_dir=Path(model_dir),
            region=(region := _region(env.get("AWS_REGION"))),
            endpoint=(endpoint := _endpoint(env.get("S3_ENDPOINT"))),
            storage=_storage(env, region, endpoint),
            batch_size=_positive(env, "BATCH_SIZE", BATCH_SIZE) if "BATCH_SIZE" in env else None,
            names=_names(env),
            tensors=_tensors(env),
            limits=Limits(
                **{
                    f.name: _positive(env, f"LIMIT_{f.name.upper()}", getattr(Limits(), f.name))
                    for f in fields(Limits)
                }
            ),
            tracing=_tracing(env.get("TRACING", "off")),
        )


def _region(region: str | None) -> str | None:
    """Lambda always sets AWS_REGION; elsewhere it may be absent."""
    if region is not None and region not in EU_REGIONS:
        raise ConfigurationError(
            f"AWS_REGION is {region}, which is not in the European Union; "
            f"Verger starts in {', '.join(sorted(EU_REGIONS))} only"
        )
    return region


def _tracing(text: str) -> bool:
    if text not in {"on", "off"}:
        raise ConfigurationError(f'TRACING is "{text[:40]}": expected on or off')
    return text == "on"


def _endpoint(text: str | None) -> str | None:
    if text and not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?", text):
        raise ConfigurationError(f'S3_ENDPOINT is "{text[:100]}": expected http://HOST:PORT')
    return text or None


def _storage(env: Mapping[str, str], region: str | None, endpoint: str | None) -> Storage | None:
    if not (bucket := env.get("BUCKET")):
        return None
    if region is None:
        raise ConfigurationError("BUCKET is set, and AWS_REGION is not: what is signed names it")
    default = Storage(bucket)
    return Storage(
        bucket,
        region,
        endpoint,
        kms_key=env.get("BUCKET_KMS_KEY") or None,
        queue_url=env.get("QUEUE_URL") or None,
        max_receives=_positive(env, "MAX_RECEIVES", default.max_receives),
        hand_over_s=_positive(env, "HAND_OVER_S", default.hand_over_s),
        upload_expires_s=_positive(env, "UPLOAD_EXPIRES_S", default.upload_expires_s),
        result_expires_s=_positive(env, "RESULT_EXPIRES_S", default.result_expires_s),
    )


def _names(env: Mapping[str, str]) -> Names:
    default = Names()
    names = Names(
        matrix=env.get("MATRIX_ELEMENT", default.matrix),
        value=env.get("VALUE_ELEMENT", default.value),
        id=env.get("ID_ATTRIBUTE", default.id),
    )
    for name in (names.matrix, names.value, names.id):
        if not _NCNAME.fullmatch(name):
            raise ConfigurationError(f'"{name}" is not an XML name without a prefix')
    if names.id == "shape":
        raise ConfigurationError('ID_ATTRIBUTE is "shape", which states the shape of a matrix')
    if names.matrix == names.value:
        raise ConfigurationError(f'MATRIX_ELEMENT and VALUE_ELEMENT are both "{names.matrix}"')
    return names


def _tensors(env: Mapping[str, str]) -> TensorNames:
    default = TensorNames()
    for variable in ("INPUT_NAME", "OUTPUT_NAME"):
        if not _TENSOR_NAME.fullmatch(env.get(variable, "default")):
            raise ConfigurationError(
                f'{variable} is "{env[variable][:100]}": expected up to 100 letters, digits, _.:/-'
            )
    return TensorNames(
        input=env.get("INPUT_NAME", default.input), output=env.get("OUTPUT_NAME", default.output)
    )


def _positive(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name, str(default))
    if not re.fullmatch(r"[1-9][0-9]{0,14}", text):
        raise ConfigurationError(f'{name} is "{text}": expected a whole number from 1')
    return int(text)
