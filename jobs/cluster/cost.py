"""What a run on EMR Serverless will cost, before it starts, and what one did cost.

An estimate from above: all workers are paid from the start to the end, also while the driver lists
and writes, and fetching does not overlap with computing. It is of one attempt that computes every
image. Figures marked "estimate" were never measured on AWS.
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Self

from serving.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Rate:
    """What a network does with an image of 100 by 100: images a second and core, features."""

    images_per_s_core: float
    features: int


# What a core of the machine of bench/ does on Spark, warm, decoding and writing included: about 470
# was measured of MobileNetV2, and 65 is reckoned of ResNet50 from the 71 of a plain loop; a little
# is taken off.
RATES = {
    "mobilenet_v2": Rate(400.0, 1280),
    "resnet50": Rate(60.0, 2048),
}


@dataclass(frozen=True, slots=True)
class Machine:
    """What EMR Serverless bills by the second; its first 20 GB of disk are free."""

    vcpus: int
    gb: int
    disk_gb: int = 20


# Of four Python workers, each with a model of its own, beside the JVM; a size that AWS offers.
WORKER, DRIVER = Machine(4, 8), Machine(4, 16)
WORKERS = 8
FREE_DISK_GB = 20

VCPU_CORES = 0.5  # a vCPU is one of the two threads of a core; estimate, from below
LIST_S = 3e-4  # of one image: a thousand names in 0.3 s, by the driver while others wait; estimate
FETCH_S = 0.05 / 8  # of one small object of S3, of which a task reads up to 16 at once; estimate
FIT_S = 0.003  # of one row of 1,280 features: two passes of the fit, one projection; estimate
WRITE_S = 1e-4  # of one line of the CSV, which one task writes while all others wait; estimate
START_S = 120.0  # driver and workers start, the archive is unpacked; estimate
DRIVER_S = 90.0  # eigenvalues, plots, manifest: the workers wait; estimate
ROWS_A_FILE, LISTED_AT_ONCE = 1_000, 1_000
SUMMARY_BYTES = 1_500  # of one image's components, in Parquet and as text
KEPT_MONTHS = 1.0
DEFAULT_BUDGET_EUR = 10.0
EXAMPLES = (90_000, 1_000_000)  # images; more than two million were never shown to fit one run


@dataclass(frozen=True, slots=True)
class Prices:
    """Of one region, in USD, and euros for a dollar.

    Attributes:
        stand_in: the region whose prices are taken, where its own are not known.
    """

    usd: Mapping[str, float]
    eur_per_usd: float
    stand_in: str | None = None

    @classmethod
    def of(cls, region: str) -> Self:
        """Of a region.

        Raises:
            ConfigurationError: there is no EMR Serverless, or no price is known.
        """
        content = _prices()
        stand_in = content["assumed"].get(region)
        found = content["regions"].get(stand_in or region)
        if found is None:
            known = ", ".join(sorted(content["regions"] | content["assumed"]))
            raise ConfigurationError(f"no price of EMR Serverless is known for {region}: {known}")
        return cls(found, content["euro"]["per_usd"], stand_in)

    def machine_eur(self, machine: Machine, hours: float) -> float:
        """A driver or worker for so long."""
        disk_gb = max(0, machine.disk_gb - FREE_DISK_GB)
        usage = {
            "vCPUHour": machine.vcpus * hours,
            "memoryGBHour": machine.gb * hours,
            "storageGBHour": disk_gb * hours,
        }
        return self.billed_eur(usage)

    def billed_eur(self, usage: Mapping[str, float]) -> float:
        """What AWS bills for a run: its billedResourceUtilization."""
        units = {
            "vCPUHour": "vcpu_hour",
            "memoryGBHour": "gb_hour",
            "storageGBHour": "disk_gb_hour",
        }
        billed = (usage.get(name, 0.0) * self.usd[unit] for name, unit in units.items())
        return sum(billed) * self.eur_per_usd


@cache
def _prices() -> dict[str, Any]:
    """Beside this module, which may be in a zip."""
    return tomllib.loads(files(__package__).joinpath("prices.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run takes and costs; prints as a small table.

    Attributes:
        model: the network; `rate_of` says which one stands in for one that is not known.
        vcpus: of all workers together, without the driver's.
        hours: from the submission to the end.
        parts: euros by what they are paid for.
    """

    images: int
    model: str
    region: str
    images_per_s_core: float
    workers: int
    vcpus: int
    hours: float
    parts: Mapping[str, float]

    @property
    def eur(self) -> float:
        """All parts together."""
        return sum(self.parts.values())

    def __str__(self) -> str:
        rows = [
            ("images", f"{self.images:,}"),
            ("network", f"{self.model}, {self.images_per_s_core:g} images/s and core"),
            ("region", self.region),
            ("machines", f"{self.workers} of {WORKER.vcpus} vCPU and {WORKER.gb} GB, and a driver"),
            ("minutes", f"{self.hours * 60:,.0f}"),
            *((name, f"€{eur:,.2f}") for name, eur in self.parts.items()),
            ("together", f"€{self.eur:,.2f}"),
        ]
        if stand_in := Prices.of(self.region).stand_in:
            rows.insert(3, ("prices", f"those of {stand_in}: its own are not known here"))
        width = max(len(name) for name, _ in rows)
        return "\n".join(f"{name:<{width}}  {text}" for name, text in rows)


def estimate(
    images: int,
    *,
    model: str,
    region: str,
    workers: int = WORKERS,
    size: int = 100,
) -> Estimate:
    """What a run over so many images takes and costs.

    Args:
        images: that are to be computed.
        model: "mobilenet_v2", "resnet50"; another name is reckoned as the slowest.
        workers: executors of 4 vCPUs each, beside the driver.
        size: pixels of an edge; time grows with its square.

    Raises:
        ConfigurationError: no price is known for the region, or nothing would compute.
    """
    if workers < 1 or size < 1 or images < 0:
        raise ConfigurationError(f"no estimate for {images} images on {workers} workers, {size} px")
    prices, rate, vcpus = Prices.of(region), rate_of(model), workers * WORKER.vcpus
    per_s = rate.images_per_s_core * (100 / size) ** 2
    hours = _hours(images, rate, per_s, vcpus)
    kept_gb = images * (4 * rate.features + SUMMARY_BYTES) / 1e9
    requests = images * (1 + 1 / LISTED_AT_ONCE) * prices.usd["s3_read"]
    requests += (images / ROWS_A_FILE + 100) * prices.usd["s3_write"]
    parts = {
        "workers": workers * prices.machine_eur(WORKER, hours),
        "driver": prices.machine_eur(DRIVER, hours),
        "requests to S3": requests * prices.eur_per_usd,
        "a month in S3": kept_gb * KEPT_MONTHS * prices.usd["s3_gb_month"] * prices.eur_per_usd,
    }
    return Estimate(images, model, region, per_s, workers, vcpus, hours, parts)


def rate_of(model: str) -> Rate:
    """A network's rate; the slowest for one that was never measured."""
    slowest = min(RATES.values(), key=lambda rate: rate.images_per_s_core)
    return RATES.get(model, slowest)


def _hours(images: int, rate: Rate, per_s: float, vcpus: int) -> float:
    fit_s = FIT_S * (rate.features / 1280) ** 2
    shared_s = images * (FETCH_S + 1 / (per_s * VCPU_CORES) + fit_s) / vcpus
    return (START_S + DRIVER_S + shared_s + images * (LIST_S + WRITE_S)) / 3600


def check_budget(estimate: Estimate, budget_eur: float) -> None:
    """Whether a run may start.

    Raises:
        ConfigurationError: it would cost more than the budget, or that is no amount.
    """
    if not (math.isfinite(budget_eur) and budget_eur > 0):
        raise ConfigurationError(f"the budget is €{budget_eur:g}: expected more than €0")
    if estimate.eur > budget_eur:
        raise ConfigurationError(
            f"estimated {_amount(estimate.eur)} for {estimate.images:,} images with "
            f"{estimate.model} in {estimate.region}, budget {_amount(budget_eur)}: give it fewer "
            "images, a faster network or a larger budget"
        )


def _amount(eur: float) -> str:
    """Cents, or what tells a smaller amount from nothing."""
    return f"€{eur:,.2f}" if eur >= 0.01 else f"€{eur:.2g}"


def paid_minutes(estimate: Estimate, budget_eur: float) -> int:
    """For how long a run may take all its workers before it costs more than the budget."""
    prices = Prices.of(estimate.region)
    hourly = prices.machine_eur(DRIVER, 1) + estimate.workers * prices.machine_eur(WORKER, 1)
    others = estimate.parts["requests to S3"] + estimate.parts["a month in S3"]
    return max(0, math.floor((budget_eur - others) / hourly * 60))


def table(region: str = "eu-west-3") -> str:
    """What runs of several sizes cost, as Markdown; stands in docs/operations/fruits.md."""
    lines = ["| images | network | minutes | workers and driver | S3 | together |"]
    lines.append("|---:|---|---:|---:|---:|---:|")
    for images in EXAMPLES:
        for model in RATES:
            found = estimate(images, model=model, region=region)
            machines = found.parts["workers"] + found.parts["driver"]
            amounts = (f"€{eur:,.2f}" for eur in (machines, found.eur - machines, found.eur))
            cells = (f"{images:,}", model, f"{found.hours * 60:,.0f}", *amounts)
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(table(), end="")
