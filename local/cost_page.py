"""docs/operations/cost.md: what make cost says of three customers, and all that it assumes."""

import sys
from pathlib import Path

from local.cost import (
    ACCESS_LOG_BYTES,
    ALARMS,
    CALL_MS,
    DASHBOARDS,
    HEADER_BYTES,
    IMAGES_GB,
    KEYS,
    LOG_BYTES,
    METRICS,
    POLL_READS,
    READS,
    UPLOAD_WRITES,
    WRITES,
    Prices,
    calculate,
    table,
)
from local.workload import Measured, Workload

PAGE = Path("docs/operations/cost.md")
CUSTOMERS = {
    "A practice: 1,000 matrices a day": {"MATRICES_PER_DAY": "1000"},
    "A hospital: 100,000 matrices a day": {"MATRICES_PER_DAY": "100000"},
    "A manufacturer: 10 million matrices a day": {"MATRICES_PER_DAY": "10000000"},
    "The same in long documents": {"MATRICES_PER_DAY": "10000000", "BATCH": "10000"},
    "The same with the ResNet, 360 ms for 32": {
        "MATRICES_PER_DAY": "10000000",
        "MS_PER_MATRIX": "11.25",
    },
}
_SERVICES = {
    "lambda_request": "lambda", "lambda_gb_s": "lambda", "provisioned_gb_s": "lambda",
    "provisioned_run_gb_s": "lambda", "api_request": "api", "s3_write": "s3", "s3_read": "s3",
    "s3_gb_month": "s3", "sqs_request": "sqs", "log_gb": "cloudwatch",
    "log_gb_month": "cloudwatch", "metric_month": "cloudwatch", "alarm_month": "cloudwatch",
    "dashboard_month": "cloudwatch", "key_month": "kms", "trace": "xray",
    "transfer_out_gb": "transfer", "image_gb_month": "ecr",
}  # fmt: skip


def assumptions(workload: Workload, measured: Measured, prices: Prices) -> str:
    """What a table stands on, as a Markdown list."""
    size = workload.bytes_per_matrix or measured.matrix_bytes
    pace = f"{workload.ms_per_matrix:g} ms a matrix, as given"
    if not workload.ms_per_matrix:
        pace = "{:.2f} ms and {:.3f} ms a matrix".format(*measured.request_ms)
    tier = "taken off" if workload.free_tier else "not taken off (FREE_TIER=1 does)"
    share = workload.cold_percent
    lines = [
        f"{workload.matrices_per_day:,} matrices a day, {workload.batch:,} in a document, "
        f"{size:,.0f} bytes each ({workload.form if not workload.bytes_per_matrix else 'given'}); "
        "a month is 365 / 12 days; all documents alike, spread evenly.",
        f"Functions have {workload.memory_mb:,} MB, which is {workload.memory_mb / 1769:.2f} vCPUs "
        f"at 1,769 MB each. A request takes {pace}; a document of the batch "
        f"{measured.batch_ms[0]:.0f} ms and {workload.ms_per_matrix or measured.batch_ms[1]:.3f} "
        f"ms a matrix: bench/results.json, the small CNN, on {measured.cores} cores, where S3 was "
        "a process beside it. Fewer vCPUs stretch that in proportion, more are no gain. "
        "Not measured on Lambda.",
        f"{share:g} percent of invocations are cold starts of {measured.start_ms:,.0f} ms, which "
        "AWS bills since August 2025; functions that are provisioned have none.",
        "An HTTP API counts a request once for each 512 KB. A document of the batch takes "
        f"{2 + workload.polls} requests (a form, {workload.polls} looks, the result) of {CALL_MS} "
        f"ms, {WRITES + UPLOAD_WRITES} writes to S3 and {READS} reads, {POLL_READS} reads a look, "
        "3 requests to SQS; Lambda's own polling of the queue, about 660,000 requests a month, is "
        "in every row.",
        f"Documents are kept for {workload.input_days} days, results for {workload.result_days}, "
        f"logs for {workload.log_days}, uncompressed.",
        f"Estimates: {LOG_BYTES:,} bytes of log an invocation, {ACCESS_LOG_BYTES} of access log "
        f"and {HEADER_BYTES} of headers a request; {METRICS} metrics, {ALARMS} alarms, "
        f"{DASHBOARDS} dashboard, {KEYS} key (of the alarms' topic), {IMAGES_GB} GB of images."
        f" {_watched(workload)}",
        "Provisioned functions wait all month; what they cannot take is billed as usual.",
        f"First tier everywhere, which is an upper bound. The free tier is {tier}. No tax, no "
        "support plan, no KMS key of your own, no warm-up calls, no data between regions; sending "
        "data in is free.",
        f"1 USD = {prices.eur_per_usd:g} EUR"
        + ("." if workload.eur_per_usd else f" ({prices.content['euro']['known']})."),
    ]
    return "".join(f"- {line}\n" for line in lines)


def _watched(workload: Workload) -> str:
    if workload.tracing:
        return "Traced: the first request of a second, and 5 percent."
    if workload.log_days != 30:
        return "Not traced (TRACING=1 adds X-Ray)."
    return (
        "Not traced and 30 days of logs, as in the template; for STAGE=prod add TRACING=1 "
        "LOG_DAYS=90."
    )


def price_list(prices: Prices, other: Prices) -> str:
    """The prices, with where they stand."""
    heads = [
        "unit",
        *(f"{p.content['regions'][r]['city']} ({r}), USD" for p, r in _named(prices, other)),
    ]
    lines = [[*heads, "page"], ["---", "---:", "---:", "---"]]
    for unit, service in _SERVICES.items():
        page = prices.content["pages"][service]
        lines.append([f"`{unit}`", _usd(prices.usd[unit]), _usd(other.usd[unit]), page])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _named(*prices: Prices) -> list[tuple[Prices, str]]:
    return list(zip(prices, ("eu-west-3", "eu-central-1"), strict=True))


def _usd(price: float) -> str:
    return f"{price:.10f}".rstrip("0").rstrip(".")


def page() -> str:
    """The page."""
    parts = [
        "# What it costs\n\n<!-- Written by make docs; a test holds it against make cost. -->\n\n",
        _INTRODUCTION,
    ]
    for title, words in CUSTOMERS.items():
        workload, measured, prices = calculate(words)
        command = " ".join(f"{name}={text}" for name, text in words.items())
        parts.append(f"\n## {title}\n\n`make cost {command}`\n\n")
        parts.append(table(workload, measured, prices))
    first = calculate({"MATRICES_PER_DAY": "1000"})
    other = calculate({"MATRICES_PER_DAY": "1000", "REGION": "eu-central-1"})
    parts.append(f"\n## What this assumes\n\nOf the first table:\n\n{assumptions(*first)}")
    known = first[2].content
    parts.append(
        f"\n## Prices\n\nWritten down on {known['written']} from memory of AWS's public pages as "
        f"they were in {known['known']}. They stand in `local/prices.toml`: compare them with the "
        "pages, and correct them there. The least certain are the two of provisioned functions. "
        "Region `eu-west-3` is the one of `samconfig.toml`; `REGION=eu-central-1` takes the other "
        "column.\n\n"
    )
    parts.append(price_list(first[2], other[2]))
    return "".join(parts)


_INTRODUCTION = """\
A list price for the whole service, in euros without tax, for documents of 32 matrices of 5000 \
values as text, in Paris. "Watching" is logs, metrics, alarms with their key, the dashboard \
and traces. It is an estimate: times have not been measured on AWS, and the [prices](#prices) \
are from memory; **nobody looked them up on the day they were written down**. Put in your own \
figures:

```console
$ make cost MATRICES_PER_DAY=100000
$ make cost MATRICES_PER_DAY=100000 BATCH=1000 MS_PER_MATRIX=11.25 MEMORY_MB=3008
$ make cost MATRICES_PER_DAY=100000 PROVISIONED=2 REGION=eu-central-1 EUR_PER_USD=0.9 FREE_TIER=1
```

Others are `BYTES_PER_MATRIX`, `FORM` (text or values), `INPUT_DAYS`, `RESULT_DAYS`, `LOG_DAYS`, \
`COLD_PERCENT`, `POLLS` (how often a client looks) and `TRACING` (0 or 1).
"""


def main() -> int:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
