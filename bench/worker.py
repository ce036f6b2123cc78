"""The child's end of `bench.processes.Worker`: `python -m bench.worker SIDE`."""

from time import perf_counter

_started = perf_counter()

import importlib
import json
import os
import sys

from bench.processes import memory


def main() -> None:
    """Import the side, then answer its commands until the input ends."""
    # What libraries print is no answer.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    side = importlib.import_module(f"bench.sides.{sys.argv[1]}")
    hello = {"load_ms": (perf_counter() - _started) * 1e3, "memory": memory()}
    print(json.dumps(hello), file=answers, flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        result = side.COMMANDS[command.pop("do")](**command)
        print(json.dumps({**result, "memory": memory()}), file=answers, flush=True)


if __name__ == "__main__":
    main()
