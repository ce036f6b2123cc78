"""What the fruits are measured on, made once: drawn images, and a bundle with random weights."""

import subprocess
import sys
from pathlib import Path

from bench import FOLDER
from bench.processes import environment, error_log
from drawing import draw_orchard
from fruits.models import NETWORKS
from fruits.weights import bundle_for

NETWORK, WEIGHTS, SIZE = "mobilenet_v2", "random:7", 100
PLACE = FOLDER / "fruits"
_CLASSES = 20


def orchard(images: int) -> Path:
    """A folder of so many drawn images; each count has images of its own."""
    folder = PLACE / f"orchard-{images}"
    draw_orchard(folder, classes=_CLASSES, images=images, seed=images)
    return folder.resolve()


def bundle() -> Path:
    """The bundle, built in a process of its own: TensorFlow would stay in this one."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.fruits.material"],
        env=environment(),
        check=True,
        stdout=subprocess.PIPE,
        stderr=error_log(),
        text=True,
    )
    return Path(done.stdout.splitlines()[-1])


def main() -> None:
    """Build the bundle where there is none; its place is the last line."""
    place = bundle_for(NETWORKS[NETWORK], WEIGHTS, SIZE, PLACE / "bundles")
    print(place.resolve())


if __name__ == "__main__":
    main()
