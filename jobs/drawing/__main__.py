"""`python -m drawing FOLDER --classes 20 --images 2000`: draws fruit into a folder."""

import argparse
import sys
from pathlib import Path

from drawing import draw_orchard


def main(arguments: list[str] | None = None) -> int:
    """Draws, and says what is there; 1 with one line where it refuses."""
    parser = argparse.ArgumentParser(prog="drawing", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--classes", type=int, default=20)
    parser.add_argument("--images", type=int, default=2_000)
    parser.add_argument("--size", type=int, default=100, help="pixels a side")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args(arguments)
    try:
        count = draw_orchard(
            chosen.folder,
            classes=chosen.classes,
            images=chosen.images,
            size=chosen.size,
            seed=chosen.seed,
        )
    except (ValueError, OSError) as error:
        print(f"refused: {error}", file=sys.stderr)
        return 1
    print(f"{chosen.folder}: {count} images of {chosen.classes} classes, seed {chosen.seed}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
