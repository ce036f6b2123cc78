"""make cost: against sums done by hand, against what must hold of any sum, against the software."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local import cost
from local.aws import Aws
from local.cost import Prices, Usage, batch, inline
from local.cost_page import PAGE, page
from local.workload import InputError, Measured, Workload
from predict.batch.job import create_job
from predict.store import Store
from serving.model import Model
from serving.settings import Settings
from tests.support.batch import FOREVER, put
from tests.support.documents import matrices, xml
from tests.support.processes import environment
from tests.support.template import read

# A machine whose figures can be calculated with in one's head.
MACHINE = Measured("text", (1.0, 0.5), (100.0, 0.5), 100_000, 50, 1000, 2)
PLAIN = Workload(
    matrices_per_day=960, batch=32, memory_mb=4096, cold_percent=0, polls=2, tracing=1,
    eur_per_usd=1,
)  # fmt: skip
# 960 / 32 = 30 documents a day, of 30.41667 days.
DOCUMENTS = 912.5


@pytest.fixture(scope="module")
def prices() -> Prices:
    return Prices.read(PLAIN)


def test_a_request_by_hand(prices: Prices) -> None:
    used = inline(PLAIN, MACHINE)
    # 1 + 32 * 0.5 = 17 ms in 4 GB.
    assert used["lambda_gb_s"] == pytest.approx(912.5 * 0.017 * 4)
    assert used["lambda_request"] == pytest.approx(DOCUMENTS)
    # 3,200,000 bytes are 6.1 times 512 KB: 7 begun.
    assert used["api_request"] == pytest.approx(912.5 * 7)
    assert used["log_gb"] == pytest.approx(912.5 * 3_000 / 1e9)
    assert used["transfer_out_gb"] == pytest.approx(912.5 * (32 * 50 + 500) / 1e9)
    assert used["trace"] == pytest.approx(912.5)
    assert "s3_gb_month" not in used
    euros = prices.euros(used)
    # 62.05 GB-s at 0.0000166667, and 912.5 requests at 0.0000002.
    assert euros["Lambda"] == pytest.approx(0.0010342 + 0.0001825, rel=1e-4)
    assert euros["API"] == pytest.approx(912.5 * 7 * 1.17e-6)
    # 13 alarms, 40 metrics, a dashboard, a key.
    assert euros["watching"] == pytest.approx(1.30 + 12.00 + 3.00 + 1.00, abs=0.01)


def test_a_document_of_the_batch_by_hand(prices: Prices) -> None:
    used = batch(PLAIN, MACHINE)
    # 100 + 16 = 116 ms for it, and 4 requests of 30 ms.
    assert used["lambda_gb_s"] == pytest.approx(912.5 * (0.116 + 0.120) * 4)
    assert used["lambda_request"] == pytest.approx(912.5 * 5)
    assert used["api_request"] == pytest.approx(912.5 * 4)
    assert used["s3_write"] == pytest.approx(912.5 * 3)
    assert used["s3_read"] == pytest.approx(912.5 * (5 + 3 * 3))
    # 30 a day: 3.2 MB for 14 days, 1,600 bytes for 30.
    assert used["s3_gb_month"] == pytest.approx(30 * (3.2e6 * 14 + 1600 * 30) / 1e9)
    # 5 pollers, 3 times a minute; and 3 for each document.
    assert used["sqs_request"] == pytest.approx(657_000 + 912.5 * 3)
    assert prices.euros(used)["SQS"] == pytest.approx(0.2639, rel=1e-3)


def test_functions_that_wait_by_hand(prices: Prices) -> None:
    """One of 4 GB waits all month: 4 times 2,628,000 GB-s at 0.0000048611."""
    used = inline(PLAIN, MACHINE, provisioned=1)
    waiting = used["provisioned_gb_s"] * prices.usd["provisioned_gb_s"]
    assert waiting == pytest.approx(51.0999, rel=1e-4)
    assert used["lambda_gb_s"] == 0
    assert used["provisioned_run_gb_s"] == pytest.approx(912.5 * 0.017 * 4)


def test_what_functions_that_wait_cannot_take_is_billed_as_usual() -> None:
    """Half a second of work in every second, and 1.5: one function takes all, or two thirds."""
    month_s = 2_628_000
    for load, share in ((0.5, 1.0), (1.5, 2 / 3)):
        busy = dataclasses.replace(PLAIN, matrices_per_day=int(load * 86_400 * 32 / 0.017))
        used = inline(busy, MACHINE, provisioned=1)
        assert used["provisioned_run_gb_s"] == pytest.approx(load * share * month_s * 4, rel=1e-4)
        assert used["lambda_gb_s"] == pytest.approx(load * (1 - share) * month_s * 4, abs=200)


def test_the_free_tier_is_taken_off(prices: Prices) -> None:
    free = Prices.read(dataclasses.replace(PLAIN, free_tier=1))
    used = batch(PLAIN, MACHINE)
    assert free.euros(used)["SQS"] == 0  # fewer than a million
    assert free.euros(used)["Lambda"] == 0
    assert free.euros(used)["S3"] == prices.euros(used)["S3"]
    assert free.euros(used)["watching"] == pytest.approx(30 * 0.30 + 3 * 0.10 + 1.00)  # beyond 10


def test_a_long_document_is_written_in_parts() -> None:
    long = dataclasses.replace(PLAIN, matrices_per_day=1_000_000, batch=200_000, bytes_per_matrix=9)
    used = batch(long, MACHINE)
    count = long.documents_per_month
    # 10 MB of answer: one part of 8 MB, beginning and end; 100.1 s of work: 50 notes.
    assert used["s3_write"] == pytest.approx(count * (3 + 3 + 50))


SIZES = st.integers(1, 10**8)


@given(per_day=SIZES, size=st.integers(1, 60), times=st.integers(2, 50))
def test_what_grows_and_how(per_day: int, size: int, times: int) -> None:
    """Twice as much costs twice as much, but for what is there anyway; nothing is below zero."""
    small = dataclasses.replace(PLAIN, matrices_per_day=per_day, batch=size, tracing=0)
    large = dataclasses.replace(small, matrices_per_day=per_day * times)
    prices = Prices.read(small)
    for use in (inline, batch):
        fixed = use(dataclasses.replace(small, matrices_per_day=0), MACHINE)
        one, many = use(small, MACHINE), use(large, MACHINE)
        for unit in one:
            added = one[unit] - fixed[unit]
            assert added >= 0
            assert many[unit] - fixed[unit] == pytest.approx(added * times, rel=1e-6, abs=1e-3)
        assert sum(prices.euros(many).values()) >= sum(prices.euros(one).values())


@given(batch_size=st.integers(1, 59))
def test_more_of_anything_never_costs_less(batch_size: int) -> None:
    base = dataclasses.replace(PLAIN, batch=batch_size, matrices_per_day=10**6, cold_percent=1)
    more: dict[str, Any] = {
        "memory_mb": 10_240, "input_days": 30, "result_days": 60, "log_days": 90,
        "cold_percent": 5, "polls": 9, "bytes_per_matrix": 101_000, "ms_per_matrix": 3,
        "eur_per_usd": 2,
    }  # fmt: skip
    for name, value in more.items():
        other = dataclasses.replace(base, **{name: value})
        for use in (inline, batch):
            assert total(use(other, MACHINE), other) >= total(use(base, MACHINE), base), name


def total(used: Usage, workload: Workload) -> float:
    return sum(Prices.read(workload).euros(used).values())


def test_fewer_cores_take_longer_and_more_are_no_gain() -> None:
    assert PLAIN.stretch(2) == 1
    assert dataclasses.replace(PLAIN, memory_mb=10_240).stretch(2) == 1
    assert dataclasses.replace(PLAIN, memory_mb=1769).stretch(2) == 2


def test_every_unit_has_a_price_and_a_group() -> None:
    grouped = [unit for units in cost.GROUPS.values() for unit in units]
    for region in ("eu-west-3", "eu-central-1"):
        prices = Prices.read(dataclasses.replace(PLAIN, region=region, free_tier=1))
        assert sorted(grouped) == sorted(prices.usd)
        assert prices.free.keys() <= prices.usd.keys()
    assert batch(PLAIN, MACHINE).keys() <= set(grouped)
    assert inline(PLAIN, MACHINE, 1).keys() <= set(grouped)


def test_measured_is_what_make_bench_wrote(root: Path) -> None:
    rows = {r["name"]: r for r in json.loads((root / "bench/results.json").read_text())["rows"]}
    for form in ("text", "values"):
        seen = Measured.read(form, root / "bench/results.json")
        fixed, each = seen.request_ms
        for count, name in ((1, "1 matrix"), (32, "32 matrices")):
            expected = rows[f"{name}, small CNN, {form}"]["ours"][0]
            assert fixed + count * each == pytest.approx(expected)
    one = len(xml(matrices(1))) - len("<matrices></matrices>")
    assert Measured.read("text").matrix_bytes == pytest.approx(one, rel=0.05)


@pytest.mark.usefixtures("store")  # its credentials
def test_requests_to_s3_are_those_that_the_batch_makes(
    model: Model, aws: Aws, stored: Settings, name: str
) -> None:
    """And those of a look: reads are GET and HEAD, writes PUT, POST and LIST; deleting is free."""
    assert stored.storage is not None
    fresh = Store(stored.storage)
    asked: list[str] = []
    fresh._s3.meta.events.register(
        "before-call.s3", lambda model, **_: asked.append(model.name), "count"
    )
    put(aws, name, xml(matrices(2)))
    create_job(model, fresh, stored).run(name, FOREVER)
    free = [call for call in asked if call.startswith("Delete")]
    reads = [call for call in asked if call in {"HeadObject", "GetObject"}]
    assert len(reads) == cost.READS
    assert len(asked) - len(free) - len(reads) == cost.WRITES
    asked.clear()
    result = fresh.result(name)
    assert result is not None
    assert fresh.source(name) is not None
    fresh.result_body(name, result)
    assert len(asked) == cost.POLL_READS


def test_alarms_are_those_of_the_template(root: Path) -> None:
    kinds = [resource["Type"] for resource in read(root)["Resources"].values()]
    assert kinds.count("AWS::CloudWatch::Alarm") == cost.ALARMS
    assert kinds.count("AWS::CloudWatch::Dashboard") == cost.DASHBOARDS
    assert kinds.count("AWS::KMS::Key") == cost.KEYS


def run(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """What make cost does; empty values are settings that were not given."""
    return subprocess.run(
        [sys.executable, "-m", "local.cost", *words],
        cwd=root,
        env=environment(),
        capture_output=True,
        text=True,
    )


def test_make_cost_prints_a_table_and_what_it_assumes(root: Path) -> None:
    done = run(root, "MATRICES_PER_DAY=1000", "BATCH=", "PROVISIONED=3")
    assert done.returncode == 0, done.stderr
    assert "| way | € a month | € a million matrices |" in done.stdout
    for way in ("| inline |", "| batch |", "| inline, 3 provisioned |"):
        assert way in done.stdout
    assert "- 1,000 matrices a day, 32 in a document" in done.stdout
    assert "0.86 EUR (autumn 2025)" in done.stdout


def test_a_document_that_fits_no_request_leaves_the_other_way(root: Path) -> None:
    done = run(root, "MATRICES_PER_DAY=1000", "BATCH=62")
    assert done.returncode == 0
    assert "| inline | does not fit: 6,000,000 bytes at most, BATCH=61 |" in done.stdout
    assert "| batch | 1" in done.stdout


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        pytest.param([], "MATRICES_PER_DAY=… is missing", id="missing"),
        pytest.param(["MATRICES_PER_DAY="], "MATRICES_PER_DAY=… is missing", id="empty"),
        pytest.param(["MATRICES_PER_DAY=ten"], "is ten: expected a whole number from 1", id="word"),
        pytest.param(["MATRICES_PER_DAY=1.5"], "is 1.5: expected a whole number", id="part"),
        pytest.param(["MATRICES_PER_DAY=-1"], "is -1: expected a whole number from 1", id="minus"),
        pytest.param(["MATRICES_PER_DAY=1", "MS_PER_MATRIX=nan"], "MS_PER_MATRIX is nan", id="nan"),
        pytest.param(["MATRICES_PER_DAY=1", "MEMORY_MB=64"], "from 128 to 10,240", id="memory"),
        pytest.param(["MATRICES_PER_DAY=1", "FORM=csv"], "expected text or values", id="form"),
        pytest.param(["MATRICES_PER_DAY=1", "REGION=eu-west-2"], "prices are known for", id="zone"),
        pytest.param(["MATRIXES=1"], "MATRIXES is no setting", id="name"),
    ],
)  # fmt: skip
def test_make_cost_says_what_is_wrong(root: Path, words: list[str], reason: str) -> None:
    done = run(root, *words)
    assert done.returncode == 1
    assert reason in done.stderr
    assert "Traceback" not in done.stderr


def test_figures_that_are_not_there_are_named(tmp_path: Path) -> None:
    for content in (None, "{", '{"rows": []}'):
        if content is not None:
            (tmp_path / "results.json").write_text(content)
        with pytest.raises(InputError, match="has not the figures that make bench writes"):
            Measured.read("text", tmp_path / "results.json")


def test_the_page_is_what_make_cost_says(root: Path) -> None:
    """Written by make docs."""
    assert (root / PAGE).read_text(encoding="utf-8") == page()
