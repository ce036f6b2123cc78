"""One cold start in a process of its own: prints the seconds to the first answer, and the peak MB.

`python -m bench.start` with MODEL_DIR set, as Lambda would start the handler.
"""

from time import perf_counter

_started = perf_counter()

import json
import resource
from pathlib import Path
from types import SimpleNamespace

from local.event import http_event
from predict.handler import api

if __name__ == "__main__":
    body = Path("models/demo/sample.xml").read_bytes()
    event = http_event("POST", "/predictions", body, {"content-type": "application/xml"})
    answer = api(event, SimpleNamespace(aws_request_id="1"))
    seconds = perf_counter() - _started
    assert answer["statusCode"] == 200, answer
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak_mb": peak_mb}))
