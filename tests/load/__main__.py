"""`python -m tests.load COUNT`: so many requests to the handler in this process.

Prints, as JSON, what it holds after each tenth of them (the first is the warm-up), and what was
answered.
"""

import json
import os
import sys

from tests.load.process import send


def main() -> None:
    """Print one line of JSON."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # the function's log is no answer
    from predict.handler import api

    print(json.dumps(send(api, int(sys.argv[1]))), file=answers, flush=True)


if __name__ == "__main__":
    main()
