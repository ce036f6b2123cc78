"""Documents in S3: the batch function and presigned URLs, their speed and their memory."""

import json
import subprocess
from typing import Any

from bench.bundles import TITLES, bundle, keras_file, ready
from bench.documents import FORMS, event_file, long_file
from bench.groups.request import agree
from bench.processes import Worker
from bench.rows import AFTERNOON, Plan, Row, compare, in_turns, limit
from local.aws import BUCKET, Aws
from serving.settings import BATCH_SIZE

_LONG, _SHORT = 10_000, 1_000
_STEADY = "≤ 150"


def measure(plan: Plan) -> list[Row]:
    """The stand-in for S3 is a process beside ours, on the same cores."""
    if "small" not in ready(("small",)):
        return []
    rows = []
    with Aws() as aws:
        for form in FORMS:
            _put(aws, BATCH_SIZE, form)
            _put(aws, plan.matrices(_SHORT), form)
            _put(aws, plan.matrices(_LONG), form)
            rows += _against_afternoon(aws, form, plan)
            rows += _long(aws, form, plan)
    return rows


def _put(aws: Aws, count: int, form: str) -> None:
    """As a process of its own would: boto3 keeps what it sends."""
    form_of = aws.client("s3").generate_presigned_post(BUCKET, _key(count, form))
    fields = [f"-F{name}={value}" for name, value in form_of["fields"].items()]
    with long_file(count, form) as path:
        subprocess.run(
            ["curl", "--silent", "--fail", *fields, f"-Ffile=@{path}", form_of["url"]], check=True
        )


def _key(count: int, form: str) -> str:
    return f"uploads/{form}-{count}.xml"


def _result(aws: Aws, key: str) -> dict[str, Any]:
    name = key.removeprefix("uploads/")
    answer = aws.client("s3").get_object(Bucket=BUCKET, Key=f"predictions/{name}.json")
    predictions = json.loads(answer["Body"].read())["predictions"]
    return {p["id"]: p["output"] for p in predictions}


def _forget(aws: Aws, key: str) -> None:
    """Else it would not be predicted again."""
    name = key.removeprefix("uploads/")
    aws.client("s3").delete_object(Bucket=BUCKET, Key=f"predictions/{name}.json")


def _against_afternoon(aws: Aws, form: str, plan: Plan) -> list[Row]:
    count = plan.matrices(_SHORT)
    key = _key(count, form)
    keras = {"KERAS_FILE": str(keras_file("small"))}
    answers: list[dict[str, Any]] = []
    with (
        Worker("batch", aws.env | {"MODEL_DIR": str(bundle("small"))}) as ours,
        Worker("afternoon_batch", aws.env | keras) as theirs,
    ):

        def side(worker: Worker) -> Any:
            def once() -> Any:
                _forget(aws, key)
                taken = worker.ask("document", key=key)["ms"]
                answers.append(_result(aws, key))
                return taken

            return once

        figures = in_turns((side(ours), side(theirs)), plan.rounds(5))
        peaks = [w.ask("document", key=key)["memory"]["peak"] for w in (ours, theirs)]
    agree(answers[:2])
    title = f"{count:,} matrices from S3 to a result, {TITLES['small']}, {form}"
    pair = (figures[0], figures[1])
    return [
        compare(title, "ms", pair, AFTERNOON),
        compare(f"{title}: peak", "MB", (peaks[:1], peaks[1:]), AFTERNOON),
    ]


def _long(aws: Aws, form: str, plan: Plan) -> list[Row]:
    count = plan.matrices(_LONG)
    title = f"{count:,} matrices, {TITLES['small']}, {form}"
    url = aws.client("s3").generate_presigned_url
    env = aws.env | {"MODEL_DIR": str(bundle("small")), "LIMIT_LINK_SECONDS": "600"}
    rows = []
    for side, what in (("batch", "from S3"), ("link", "by their URL")):
        with Worker(side, env) as worker:

            def ask(matrices: int, side: str = side, worker: Worker = worker) -> Any:
                key = _key(matrices, form)
                if side == "batch":
                    _forget(aws, key)
                    return worker.ask("document", key=key)
                return worker.ask(
                    "document",
                    url=url("get_object", Params={"Bucket": BUCKET, "Key": key}),
                )

            first = ask(BATCH_SIZE)["memory"]["rss"]
            answer = ask(count)
        with long_file(count, form) as path, Worker("ours", env) as worker:
            event = str(event_file(BATCH_SIZE, "text"))
            worker.ask("handle", event=event, times=1)
            disk = worker.ask("stream", path=str(path))["ms"]
        rates = [[count / ms * 1e3 for ms in taken] for taken in (answer["ms"], disk)]
        more = [answer["peak_mb"] - first]
        rows += [
            compare(
                f"{title}, {what}", "matrices/s", (rates[0], rates[1]), "as a stream from disk",
                quotient="ours ÷ other",
            ),
            limit(f"{title}, {what}: peak, beyond that after a batch of 32", "MB", more, _STEADY),
        ]  # fmt: skip
    return rows
