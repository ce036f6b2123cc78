"""What a run will cost: the sum of its parts, more where there is more, refused above a budget."""

import tomllib
from pathlib import Path

import pytest

from cluster.cost import (
    DEFAULT_BUDGET_EUR,
    DRIVER,
    RATES,
    WORKER,
    Machine,
    Prices,
    check_budget,
    estimate,
    paid_minutes,
    table,
)
from serving.errors import ConfigurationError
from serving.settings import EU_REGIONS

REGION = "eu-west-3"
# EMR Serverless has no European Sovereign Cloud yet.
WITH_EMR = sorted(EU_REGIONS - {"eusc-de-east-1"})


def read(path: str) -> dict[str, dict[str, dict[str, float]]]:
    return tomllib.loads(Path(path).read_text())


@pytest.mark.parametrize("region", WITH_EMR)
def test_every_region_of_the_eu_has_prices(region: str) -> None:
    assert estimate(90_000, model="mobilenet_v2", region=region).eur > 0


def test_region_without_a_price_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"no price .* for eusc-de-east-1: eu-central-1"):
        estimate(1, model="mobilenet_v2", region="eusc-de-east-1")


def test_prices_agree_with_those_of_the_service() -> None:
    """One file is of the jobs, which know nothing of local/."""
    ours, theirs = read("jobs/cluster/prices.toml"), read("local/prices.toml")
    assert ours["euro"]["per_usd"] == theirs["euro"]["per_usd"]
    shared = ours["regions"].keys() & theirs["regions"].keys()
    assert shared
    for region in shared:
        for unit in ("s3_write", "s3_read", "s3_gb_month"):
            assert ours["regions"][region][unit] == theirs["regions"][region][unit], region


def test_bill_is_what_was_used_times_its_price() -> None:
    prices = Prices.of("eu-west-1")
    usage = {"vCPUHour": 10.0, "memoryGBHour": 100.0, "storageGBHour": 1000.0}
    dollars = 10 * 0.052624 + 100 * 0.0057785 + 1000 * 0.000111
    assert prices.billed_eur(usage) == pytest.approx(dollars * 0.86)
    assert prices.billed_eur({}) == 0


def test_twenty_gb_of_disk_are_free() -> None:
    prices = Prices.of(REGION)
    assert prices.machine_eur(Machine(4, 8, 20), 1) == prices.machine_eur(Machine(4, 8, 10), 1)
    assert prices.machine_eur(Machine(4, 8, 21), 1) > prices.machine_eur(Machine(4, 8, 20), 1)


def test_estimate_is_the_sum_of_its_parts() -> None:
    """The workers' is their time times their price, by hand."""
    found = estimate(1_000_000, model="mobilenet_v2", region=REGION, workers=4)
    assert found.vcpus == 4 * WORKER.vcpus
    assert found.eur == sum(found.parts.values())
    hourly = WORKER.vcpus * 0.06318 + WORKER.gb * 0.00689
    assert found.parts["workers"] == pytest.approx(4 * hourly * found.hours * 0.86)
    hourly = DRIVER.vcpus * 0.06318 + DRIVER.gb * 0.00689
    assert found.parts["driver"] == pytest.approx(hourly * found.hours * 0.86)
    reads, writes = 1_000_000 * 1.001 * 0.42e-6, 1_100 * 5.3e-6
    assert found.parts["requests to S3"] == pytest.approx((reads + writes) * 0.86)


@pytest.mark.parametrize(
    ("cheap", "dear"),
    [
        pytest.param({}, {"images": 200_000}, id="more images"),
        pytest.param({}, {"model": "resnet50"}, id="a slower network"),
        pytest.param({}, {"size": 224}, id="larger images"),
        pytest.param({"region": "eu-west-1"}, {"region": "eu-west-3"}, id="a dearer region"),
        pytest.param({}, {"workers": 32}, id="more workers, which all start"),
    ],
)
def test_more_costs_more(cheap: dict[str, object], dear: dict[str, object]) -> None:
    usual: dict[str, object] = {"images": 90_000, "model": "mobilenet_v2", "region": REGION}
    less, more = (estimate(**(usual | one)) for one in (cheap, dear))  # type: ignore[arg-type]
    assert less.eur < more.eur


def test_more_workers_take_less_time() -> None:
    hours = [
        estimate(1_000_000, model="mobilenet_v2", region=REGION, workers=n).hours for n in (2, 8)
    ]
    assert hours[0] > hours[1]


def test_unknown_network_is_reckoned_as_the_slowest() -> None:
    slowest = min(RATES, key=lambda name: RATES[name].images_per_s_core)
    found = estimate(90_000, model="mine", region=REGION)
    assert found.eur == estimate(90_000, model=slowest, region=REGION).eur


def test_image_is_listed_fetched_computed_and_fitted() -> None:
    """By one of all cores, but for its listing and its line in the CSV; by hand."""
    none, all_ = (
        estimate(n, model="mobilenet_v2", region=REGION, workers=2).hours * 3600
        for n in (0, 1_000_000)
    )
    each_s, alone_s = 0.05 / 8 + 1 / 200 + 0.003, 0.3 / 1_000 + 1e-4
    assert none == pytest.approx(210)
    assert all_ - none == pytest.approx(1_000_000 * (each_s / 8 + alone_s))


@pytest.mark.parametrize("model", RATES)
@pytest.mark.parametrize("images", [90_000, 1_000_000])
@pytest.mark.parametrize("region", WITH_EMR)
def test_examples_fit_the_budget(images: int, model: str, region: str) -> None:
    check_budget(estimate(images, model=model, region=region), DEFAULT_BUDGET_EUR)


@pytest.mark.parametrize("region", WITH_EMR)
def test_what_is_over_the_budget_is_refused(region: str) -> None:
    """The example of docs/operations/fruits.md."""
    found = estimate(2_000_000, model="resnet50", region=region, size=300)
    told = rf"estimated €{found.eur:.2f} for 2,000,000 images .* budget €10.00: give it fewer"
    with pytest.raises(ConfigurationError, match=told):
        check_budget(found, DEFAULT_BUDGET_EUR)


def test_a_budget_below_a_cent_is_told_as_it_is() -> None:
    with pytest.raises(ConfigurationError, match=r"estimated €0\.[0-9]{2} .* budget €0\.00012:"):
        check_budget(estimate(10, model="mobilenet_v2", region=REGION), 0.00012)


@pytest.mark.parametrize("budget_eur", [0.0, -1.0, float("nan"), float("inf")])
def test_budget_is_an_amount(budget_eur: float) -> None:
    found = estimate(1, model="mobilenet_v2", region=REGION)
    with pytest.raises(ConfigurationError, match="expected more than €0"):
        check_budget(found, budget_eur)


@pytest.mark.parametrize("wrong", [{"workers": 0}, {"size": 0}, {"images": -1}])
def test_nonsense_is_refused(wrong: dict[str, int]) -> None:
    known = {"images": 1, "workers": 1, "size": 100} | wrong
    images = known.pop("images")
    with pytest.raises(ConfigurationError, match="no estimate for"):
        estimate(images, model="mobilenet_v2", region=REGION, **known)


@pytest.mark.parametrize("budget_eur", [1.0, 10.0, 100.0])
def test_paid_minutes_never_cost_more_than_the_budget(budget_eur: float) -> None:
    """With all workers to the end; and a run that fits has the time that it needs."""
    found = estimate(90_000, model="mobilenet_v2", region=REGION)
    minutes, prices = paid_minutes(found, budget_eur), Prices.of(REGION)
    hourly = prices.machine_eur(DRIVER, 1) + found.workers * prices.machine_eur(WORKER, 1)
    others = found.parts["requests to S3"] + found.parts["a month in S3"]
    assert others + minutes / 60 * hourly <= budget_eur
    assert minutes >= found.hours * 60


def test_estimate_prints_as_a_table() -> None:
    lines = str(estimate(90_000, model="mobilenet_v2", region="eu-south-2")).splitlines()
    cells = dict(line.split("  ", 1) for line in lines)
    told = {name: text.strip() for name, text in cells.items()}
    assert told["images"] == "90,000"
    assert told["prices"] == "those of eu-west-3: its own are not known here"
    assert told["together"].startswith("€0.")
    assert len({line.index(text) for line, text in zip(lines, told.values(), strict=True)}) == 1


def test_page_shows_the_table(root: Path) -> None:
    """python -m cluster.cost prints it. And the example of what is refused."""
    page = (root / "docs/operations/fruits.md").read_text(encoding="utf-8")
    assert table() in page
    refused = estimate(2_000_000, model="resnet50", region=REGION, size=300)
    assert f"Two million images of 300×300 with ResNet50 (€{refused.eur:.0f}) are refused" in page
