"""One cold start in a process of its own: `python -m bench.start SIDE EVENT TIMES`.

Prints the seconds from the start of the process (the parent's clock, as BENCH_STARTED) to the
first answer, and the milliseconds of every request.
"""

import json
import os
import sys
from time import monotonic, perf_counter
from types import SimpleNamespace
from typing import Any


def _handler(side: str) -> Any:
    """The handler as Lambda would import it."""
    if side == "ours":
        from predict.handler import api

        return api
    from bench.afternoon import handler

    return handler


def main() -> None:
    """Start, answer, report."""
    side, path, times = sys.argv[1], sys.argv[2], int(sys.argv[3])
    handler = _handler(side)
    with open(path) as file:
        event = json.load(file)
    taken, answered = [], 0.0
    for _ in range(times):
        start = perf_counter()
        answer = handler(event, SimpleNamespace(aws_request_id="1"))
        taken.append((perf_counter() - start) * 1e3)
        answered = answered or monotonic() - float(os.environ["BENCH_STARTED"])
        assert answer["statusCode"] == 200, answer
    print(json.dumps({"answered_s": answered, "requests_ms": taken}))


if __name__ == "__main__":
    main()
