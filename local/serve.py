"""make serve: the same app over plain HTTP, for curl and a browser."""

import argparse
import os
import sys
from pathlib import Path

import uvicorn

from local.ports import check_port
from serving.bundle import verify
from serving.errors import ServingError


def main() -> int:
    """Check what can be wrong, then serve until interrupted."""
    parser = argparse.ArgumentParser(prog="make serve", description=__doc__)
    parser.add_argument("--bundle", type=Path, required=True, help="the model's bundle")
    parser.add_argument("--port", type=int, default=8000)
    args = parser.parse_args()
    os.environ["MODEL_DIR"] = str(args.bundle)
    try:
        check_port(args.port)
        verify(args.bundle)
        from predict.handler import app  # which opens the model
    except (ServingError, OSError) as refusal:
        print(refusal, file=sys.stderr)
        return 1
    uvicorn.run(app, host="127.0.0.1", port=args.port)
    return 0


if __name__ == "__main__":
    sys.exit(main())
