"""make run: one document through the handler, under the Lambda runtime emulator."""

import argparse
import signal
import sys
from pathlib import Path

from local.emulator import EVENT_LIMIT_BYTES, Emulator, EmulatorError, EventTooLargeError
from local.event import body_of, headers_of, http_event
from serving.bundle import verify
from serving.errors import ServingError


def main() -> int:
    """Send a document, print the JSON of the answer; anything but 200 ends with code 1."""
    parser = argparse.ArgumentParser(prog="make run", description=__doc__)
    parser.add_argument("document", type=Path, help="XML, npz or npy, also packed as .gz")
    parser.add_argument("--bundle", type=Path, required=True, help="the model's bundle")
    args = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):  # else the emulator would outlive us
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        verify(args.bundle)
        body = args.document.read_bytes()
        event = http_event("POST", "/predictions", body, headers_of(args.document))
        with Emulator({"MODEL_DIR": str(args.bundle.resolve())}) as emulator:
            answer = emulator.invoke(event)
            if answer.get("statusCode", 500) >= 500:
                print(emulator.log(), file=sys.stderr)
    except EventTooLargeError as cause:
        return _fail(
            f"{cause}. A document in one request ends near {EVENT_LIMIT_BYTES // 2**20} MB: "
            "pack it (.xml.gz), convert it to .npz (make convert), or split it"
        )
    except (ServingError, EmulatorError) as cause:
        return _fail(str(cause))
    except KeyboardInterrupt:
        return 130
    except OSError as cause:
        return _fail(f"{cause.filename or args.document}: {cause.strerror}")
    if "statusCode" not in answer:
        return _fail(f"the function failed: {answer.get('errorMessage', answer)}")
    sys.stdout.buffer.write(body_of(answer))
    if sys.stdout.isatty():
        print()
    return (
        0 if answer["statusCode"] == 200 else _fail(f"refused with status {answer['statusCode']}")
    )


def _fail(reason: str) -> int:
    sys.stdout.flush()
    print(f"\n{reason}", file=sys.stderr)  # the answer before it ends without a line break
    return 1


if __name__ == "__main__":
    sys.exit(main())
