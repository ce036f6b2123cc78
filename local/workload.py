"""What the calculation of costs assumes: who sends how much, and how long it takes.

Times and sizes are those that make bench measured (bench/results.json), but for what is given.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

MONTH_DAYS = 365 / 12
_RESULTS = Path("bench/results.json")
_VALUES_MORE_BYTES = 5000 * 14  # <value>…</value> for a blank
_MB_PER_VCPU = 1769  # docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html


class InputError(Exception):
    """What was given makes no sense; says what would."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What make bench saw: a warm request of n matrices takes fixed + n * each milliseconds.

    Attributes:
        form: how the document writes its matrices, "text" or "values".
        request_ms, batch_ms: the two parts of a request, and of a document of the batch.
        matrix_bytes, answer_bytes: of one matrix, in the document and in the answer.
        start_ms: a cold start, of the ResNet.
        cores: of the machine.
    """

    form: str
    request_ms: tuple[float, float]
    batch_ms: tuple[float, float]
    matrix_bytes: float
    answer_bytes: float
    start_ms: float
    cores: int

    @classmethod
    def read(cls, form: str, path: Path = _RESULTS) -> Self:
        """The figures of the small CNN.

        Raises:
            InputError: the form is unknown, or make bench has not written them.
        """
        if form not in ("text", "values"):
            raise InputError(f"FORM is {form}: expected text or values")
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            return cls._of(form, content)
        except (OSError, ValueError, KeyError) as cause:
            raise InputError(f"{path} has not the figures that make bench writes") from cause

    @classmethod
    def _of(cls, form: str, content: Mapping[str, Any]) -> Self:
        seen = {row["name"]: row for row in content["rows"]}
        one, many = (
            float(seen[f"{n}, small CNN, {form}"]["ours"][0]) for n in ("1 matrix", "32 matrices")
        )
        short = float(seen[f"1,000 matrices from S3 to a result, small CNN, {form}"]["ours"][0])
        long = 1e7 / seen[f"10,000 matrices, small CNN, {form}, from S3"]["ours"][0]
        more = 0 if form == "text" else _VALUES_MORE_BYTES
        return cls(
            form,
            _line((1, one), (32, many)),
            _line((1_000, short), (10_000, long)),
            seen["npz, 32 matrices, body of the request"]["other"][0] / 32 + more,
            seen["npz, 32 matrices, body of the answer"]["other"][0] / 32,
            seen["cold start, ResNet: process start to first answer"]["ours"][0] * 1e3,
            int(str(content["machine"]).split()[0]),
        )


def _line(first: tuple[int, float], second: tuple[int, float]) -> tuple[float, float]:
    """The line through two points: its height at 0, and its slope."""
    slope = (second[1] - first[1]) / (second[0] - first[0])
    return first[1] - slope * first[0], slope


@dataclass(frozen=True, slots=True)
class Workload:
    """What is sent, and what it is sent to; names as make cost takes them, in capitals.

    Attributes:
        batch: matrices in a document.
        bytes_per_matrix, ms_per_matrix: 0 for what make bench measured.
        provisioned: functions that wait for requests, in the row of that name.
        tracing, free_tier: 1 or 0.
        eur_per_usd: 0 for that of the list of prices.
    """

    matrices_per_day: int
    batch: int = 32
    bytes_per_matrix: float = 0
    ms_per_matrix: float = 0
    memory_mb: int = 6144
    provisioned: int = 1
    input_days: int = 14
    result_days: int = 30
    log_days: int = 30
    cold_percent: float = 1
    polls: int = 2
    tracing: int = 0
    free_tier: int = 0
    eur_per_usd: float = 0
    form: str = "text"
    region: str = "eu-west-3"

    @classmethod
    def parse(cls, words: Mapping[str, str]) -> Self:
        """From NAME=value, as make gives them; what is empty is left as it is.

        Raises:
            InputError: a name or a value is wrong.
        """
        given = {name: text for name, text in words.items() if text}
        kinds = {field.name.upper(): field.type for field in fields(cls)}
        if unknown := sorted(given.keys() - kinds.keys()):
            raise InputError(f"{unknown[0]} is no setting: expected {', '.join(kinds)}")
        if "MATRICES_PER_DAY" not in given:
            raise InputError("MATRICES_PER_DAY=… is missing, as in make cost MATRICES_PER_DAY=1000")
        return cls(**{name.lower(): _value(name, kinds[name], given[name]) for name in given})

    @property
    def documents_per_month(self) -> float:
        """How many come."""
        return self.matrices_per_day * MONTH_DAYS / self.batch

    def stretch(self, cores: int) -> float:
        """By how much slower than on so many cores; more of them are not counted as a gain."""
        return max(1.0, cores / (self.memory_mb / _MB_PER_VCPU))


_BOUNDS: dict[str, tuple[float, float]] = {
    "MATRICES_PER_DAY": (1, 10**12),
    "BATCH": (1, 10**6),
    "BYTES_PER_MATRIX": (1, 10**9),
    "MS_PER_MATRIX": (0.0001, 10**6),
    "MEMORY_MB": (128, 10_240),
    "PROVISIONED": (1, 10_000),
    "INPUT_DAYS": (1, 3650),
    "RESULT_DAYS": (1, 3650),
    "LOG_DAYS": (1, 3650),
    "COLD_PERCENT": (0, 100),
    "POLLS": (0, 10**6),
    "TRACING": (0, 1),
    "FREE_TIER": (0, 1),
    "EUR_PER_USD": (0.01, 100),
}


def _value(name: str, kind: Any, text: str) -> Any:
    if kind in (str, "str"):
        return text
    whole = kind in (int, "int")
    least, most = _BOUNDS[name]
    try:
        value = int(text) if whole else float(text)
    except ValueError:
        value = math.nan
    if not least <= value <= most:
        word = "a whole number" if whole else "a number"
        raise InputError(f"{name} is {text}: expected {word} from {least:,} to {most:,}")
    return value
