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
        is_text = args.document.suffix == ".xml"
        return _fail(
            f"{cause}. A document in one request ends near {EVENT_LIMIT_BYTES // 2**20} MB: "
            "pack it (.xml.gz), convert it to .npz (make convert), or split it"
            if is_text
            else f"{cause}. What is not XML travels in base64, 4 bytes for 3: split it, or make it "
            "smaller (float32, np.savez_compressed)"
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
    sys.stdout.flush()
    if answer["statusCode"] != 200:  # the answer ends without a line break
        return _fail(f"\nrefused with status {answer['statusCode']}")
    if sys.stdout.isatty():
        print()
    return 0


def _fail(reason: str) -> int:
    print(reason, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
