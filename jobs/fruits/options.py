"""What a run on images is asked to do, from the command line."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from fruits.models import NETWORKS

_BUNDLES = "build/spark/bundles"


@dataclass(frozen=True, slots=True)
class Options:
    """One run.

    Attributes:
        images, out: folders of this machine, or s3:// URLs.
        weights: see `fruits.weights.bundle_for`.
        size: height and width that the network gets, in pixels.
        components, variance, elbow: how many components are kept: a number, as many as explain
            this share of the variance, or where the curve bends.
        most_components: how many are computed, of which those are kept.
        slice_images: how many are computed between two commits.
        budget_eur: None where nobody is billed and nobody asked.
    """

    images: str
    out: str
    model: str = "mobilenet_v2"
    weights: str = "imagenet"
    size: int = 100
    components: int | None = None
    variance: float | None = None
    elbow: bool = False
    most_components: int = 200
    route: str | None = None
    strip_exif: bool = False
    slice_images: int = 20_000
    budget_eur: float | None = None
    workers: int = 4
    cores: int | None = None
    bundles: Path = Path(_BUNDLES)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `main.py fruits`; each is an attribute of `Options`."""
    add = parser.add_argument
    add("--images", required=True, help="folder or s3:// URL: …/<class>/<image>.jpg")
    add("--out", required=True, help="where the results go")
    add("--model", choices=sorted(NETWORKS), default="mobilenet_v2")
    add("--weights", default="imagenet", help="imagenet, random[:seed], path.h5, or a bundle")
    add("--size", type=_positive, default=100, help="height and width in pixels, default 100")
    kept = parser.add_mutually_exclusive_group()
    kept.add_argument("--components", type=_positive, help="keep this many")
    kept.add_argument("--variance", type=_share, help="keep what explains this share, default 0.8")
    kept.add_argument("--elbow", action="store_true", help="keep those up to the curve's bend")
    add("--most-components", type=_positive, default=200, help="computed at most, default 200")
    add("--route", choices=["spark", "covariance"], help="how components are computed first")
    add("--strip-exif", action="store_true", help="also write the images without metadata")
    add("--slice-images", type=_positive, default=20_000, help="images between two commits")
    add("--budget-eur", type=_amount, help="refuse to start above; default on a cluster: 10")
    add("--workers", type=_positive, default=4, help="executors of a cluster, for the estimate")
    add("--cores", type=_positive, help="of this machine; default: all")
    add("--bundles", type=Path, default=Path(_BUNDLES), help="where built bundles are kept")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f'"{text}": expected a whole number from 1')
    return int(text)


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0 < share < 1:
        raise argparse.ArgumentTypeError(f'"{text}": expected a number between 0 and 1')
    return share


def _amount(text: str) -> float:
    try:
        amount = float(text)
    except ValueError:
        amount = -1.0
    if not 0 <= amount < 1e6:
        raise argparse.ArgumentTypeError(f'"{text}": expected an amount in euros')
    return amount
