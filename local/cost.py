"""make cost: what a month costs on AWS, and a million matrices; inline, by batch, provisioned."""

import math
import sys
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from local.workload import MONTH_DAYS, InputError, Measured, Workload

_PRICES = Path("local/prices.toml")
_METERED_BYTES = 512 * 1024  # of a request to an HTTP API
_INLINE_BYTES, _UPLOAD_BYTES = 6_000_000, 5_000_000_000
_PART_BYTES = 8 * 1024 * 1024
_NOTE_EVERY_MS = 2_000
_MONTH_S = MONTH_DAYS * 86_400

# Of one document of the batch, as a test counts them; deleting is free.
WRITES, READS = 2, 5
UPLOAD_WRITES = 1
POLL_READS = 3
# Of the stack, whatever comes.
ALARMS, DASHBOARDS, KEYS, IMAGES_GB = 13, 1, 1, 1.5
METRICS = 40  # 10 for each of two functions, refusals by reason, failures by version
_IDLE_POLLS = 5 * 3 * 60 * 24 * MONTH_DAYS  # Lambda asks the queue with 5 long polls of 20 s
# Estimates, not measured on AWS.
LOG_BYTES, ACCESS_LOG_BYTES, HEADER_BYTES, CALL_MS = 2_500, 500, 500, 30

Usage = dict[str, float]

GROUPS = {
    "Lambda": ("lambda_request", "lambda_gb_s", "provisioned_gb_s", "provisioned_run_gb_s"),
    "API": ("api_request",),
    "S3": ("s3_write", "s3_read", "s3_gb_month"),
    "SQS": ("sqs_request",),
    "watching": (
        "log_gb", "log_gb_month", "metric_month", "alarm_month", "dashboard_month", "key_month",
        "trace",
    ),
    "transfer": ("transfer_out_gb",),
    "image": ("image_gb_month",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Prices:
    """A region's prices in USD by unit, and what of it is free; euros for a dollar."""

    usd: dict[str, float]
    free: dict[str, float]
    eur_per_usd: float
    content: dict[str, Any]

    @classmethod
    def read(cls, workload: Workload, path: Path = _PRICES) -> Self:
        """The prices of a workload's region.

        Raises:
            InputError: there are none.
        """
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        if workload.region not in content["regions"]:
            known = " or ".join(content["regions"])
            raise InputError(f"REGION is {workload.region}: prices are known for {known}")
        usd = content["everywhere"] | content["regions"][workload.region]
        return cls(
            {name: price for name, price in usd.items() if name != "city"},
            content["free"] if workload.free_tier else {},
            workload.eur_per_usd or content["euro"]["per_usd"],
            content,
        )

    def euros(self, usage: Usage) -> dict[str, float]:
        """What a usage costs, by group."""
        return {
            group: self.eur_per_usd
            * sum(
                self.usd[unit] * max(0.0, usage.get(unit, 0) - self.free.get(unit, 0))
                for unit in units
            )
            for group, units in GROUPS.items()
        }


def inline(workload: Workload, measured: Measured, provisioned: int = 0) -> Usage:
    """Documents inside of requests, with so many functions that wait for them.

    Raises:
        InputError: a document does not fit a request.
    """
    count, size = workload.documents_per_month, _size(workload, measured, _INLINE_BYTES)
    ms = _ms(workload, measured, measured.request_ms)
    usage = _fixed() | {"api_request": count * math.ceil(size / _METERED_BYTES)}
    _invoke(usage, workload, measured, count, ms, provisioned)
    _log(usage, workload, count, ACCESS_LOG_BYTES + LOG_BYTES)
    _trace(usage, workload, count)
    out = count * (measured.answer_bytes * workload.batch + HEADER_BYTES)
    return usage | {"transfer_out_gb": out / 1e9}


def batch(workload: Workload, measured: Measured) -> Usage:
    """Documents by way of S3 and the queue.

    Raises:
        InputError: a document does not fit an upload.
    """
    count, size = workload.documents_per_month, _size(workload, measured, _UPLOAD_BYTES)
    ms, answer = _ms(workload, measured, measured.batch_ms), measured.answer_bytes * workload.batch
    calls = 2 + workload.polls  # ask for a form, look, get the result
    usage = _fixed() | {"api_request": count * calls}
    _invoke(usage, workload, measured, count, ms)
    _invoke(usage, workload, measured, count * calls, CALL_MS)
    _log(usage, workload, count * calls, ACCESS_LOG_BYTES + LOG_BYTES)
    _log(usage, workload, count, LOG_BYTES)
    _trace(usage, workload, count * (calls + 1))
    parts = answer // _PART_BYTES
    writes = WRITES + UPLOAD_WRITES + ms // _NOTE_EVERY_MS + (parts + 2 if parts else 0)
    kept = size * workload.input_days + answer * workload.result_days
    out = count * (answer + HEADER_BYTES * calls)
    return usage | {
        "sqs_request": usage["sqs_request"] + 3 * count,  # sent, received, removed
        "s3_write": count * writes,
        "s3_read": count * (READS + POLL_READS * (workload.polls + 1)),
        "s3_gb_month": count / MONTH_DAYS * kept / 1e9,
        "transfer_out_gb": out / 1e9,
    }


def _size(workload: Workload, measured: Measured, limit_bytes: int) -> float:
    each = workload.bytes_per_matrix or measured.matrix_bytes
    if each * workload.batch > limit_bytes:
        most = int(limit_bytes // each)
        raise InputError(f"does not fit: {limit_bytes:,} bytes at most, BATCH={most:,}")
    return each * workload.batch


def _ms(workload: Workload, measured: Measured, line: tuple[float, float]) -> float:
    """A document's time on Lambda."""
    fixed, each = line
    if workload.ms_per_matrix:
        each = workload.ms_per_matrix
        fixed = 0.0 if line == measured.request_ms else fixed
    return (fixed + each * workload.batch) * workload.stretch(measured.cores)


def _invoke(
    usage: Usage,
    workload: Workload,
    measured: Measured,
    count: float,
    ms: float,
    provisioned: int = 0,
) -> None:
    """Add invocations; each is billed by the millisecond begun, and a cold start as well."""
    gb = workload.memory_mb / 1024
    seconds = count * math.ceil(round(ms, 6)) / 1e3
    covered = 0.0
    if provisioned:
        covered = min(1.0, provisioned / (seconds / _MONTH_S))
        usage["provisioned_gb_s"] = provisioned * gb * _MONTH_S
        usage["provisioned_run_gb_s"] = seconds * covered * gb
    start_s = measured.start_ms * workload.stretch(measured.cores) / 1e3
    cold_s = count * workload.cold_percent / 100 * start_s
    on_demand = (seconds + cold_s) * (1 - covered) * gb
    usage["lambda_gb_s"] = usage.get("lambda_gb_s", 0) + on_demand
    usage["lambda_request"] = usage.get("lambda_request", 0) + count


def _log(usage: Usage, workload: Workload, count: float, each_bytes: int) -> None:
    written = count * each_bytes / 1e9
    usage["log_gb"] = usage.get("log_gb", 0) + written
    kept = written * workload.log_days / MONTH_DAYS
    usage["log_gb_month"] = usage.get("log_gb_month", 0) + kept


def _trace(usage: Usage, workload: Workload, count: float) -> None:
    """The first of each second, and 5 percent of the others."""
    if workload.tracing:
        first = min(count, _MONTH_S)
        usage["trace"] = first + 0.05 * (count - first)


def _fixed() -> Usage:
    """What is there while nothing comes."""
    return {
        "alarm_month": ALARMS,
        "metric_month": METRICS,
        "dashboard_month": DASHBOARDS,
        "key_month": KEYS,
        "sqs_request": _IDLE_POLLS,
        "image_gb_month": IMAGES_GB,
    }


def ways(workload: Workload, measured: Measured) -> dict[str, Usage | str]:
    """What each way uses, or why it cannot be gone."""
    uses: dict[str, Callable[[], Usage]] = {
        "inline": lambda: inline(workload, measured),
        "batch": lambda: batch(workload, measured),
        f"inline, {workload.provisioned} provisioned": lambda: inline(
            workload, measured, workload.provisioned
        ),
    }
    made: dict[str, Usage | str] = {}
    for name, use in uses.items():
        try:
            made[name] = use()
        except InputError as refusal:
            made[name] = str(refusal)
    return made


def table(workload: Workload, measured: Measured, prices: Prices) -> str:
    """The ways beside each other, in euros, as Markdown."""
    heads = ["way", "€ a month", "€ a million matrices", *(f"{group}, €" for group in GROUPS)]
    lines = [heads, ["---"] + ["---:"] * (len(heads) - 1)]
    millions = workload.matrices_per_day * MONTH_DAYS / 1e6
    for name, usage in ways(workload, measured).items():
        if isinstance(usage, str):
            lines.append([name, usage, *[""] * (len(heads) - 2)])
            continue
        parts = prices.euros(usage)
        total = sum(parts.values())
        shown = [total, total / millions, *parts.values()]
        lines.append([name, *(f"{euros:,.2f}" for euros in shown)])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def calculate(words: Mapping[str, str]) -> tuple[Workload, Measured, Prices]:
    """What a calculation stands on.

    Raises:
        InputError: it says what is wrong.
    """
    workload = Workload.parse(words)
    return workload, Measured.read(workload.form), Prices.read(workload)


def main() -> int:
    """Print the table, and what it assumes."""
    from local.cost_page import assumptions

    words = [word.partition("=") for word in sys.argv[1:]]
    try:
        workload, measured, prices = calculate({name: text for name, _, text in words})
    except InputError as refusal:
        print(refusal, file=sys.stderr)
        return 1
    print(table(workload, measured, prices))
    print(assumptions(workload, measured, prices))
    return 0


if __name__ == "__main__":
    sys.exit(main())
