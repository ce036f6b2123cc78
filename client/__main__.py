"""Sends a large document to a Verger service, waits, and saves the predictions.

The result goes to stdout or to --out, everything else to stderr. Exit codes: 0 with a result; 1
where the document, or what was asked for, is refused; 2 for a wrong command; 75 for what may pass
(the service or the network fails, there is no result yet); 130 when interrupted or ended.

A token is never an argument, which others on this machine could read: put it into the environment
variable VERGER_TOKEN, and give --token.
"""

import argparse
import os
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from client.bearer import VARIABLE, Bearer
from client.errand import deliver, patiently, wait
from client.output import saver
from client.progress import Progress
from client.service import Permission, Service
from client.signing import Signer
from client.transport import ClientError, FinalError, LateError, PassingError, check_address
from client.upload import UploadError

_URL = "http://localhost:8000"
_DAY_S = 24 * 60 * 60


def main(argv: Sequence[str] | None = None) -> int:
    """Run an errand; what goes wrong is said in a line, with the way back to the result."""
    args = _parse(argv)
    progress = Progress(sys.stderr, quiet=args.quiet)
    errand = _Errand(args, progress)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        errand.run()
    except FinalError as refusal:
        errand.close()
        reason, code = str(refusal), _code(refusal)
    except ClientError as fault:
        reason, code = str(fault), _code(fault)
    except OSError as cause:
        reason, code = f"{cause.filename or args.out or 'stdout'}: {cause.strerror}", 1
    except KeyboardInterrupt:
        reason, code = "interrupted", 130
    else:
        progress.say(f"done{_size(args.out)}")
        return 0
    progress.end()
    print("\n".join(filter(None, (reason, errand.way_back()))), file=sys.stderr)
    return code


def _code(error: ClientError) -> int:
    """75 is EX_TEMPFAIL of sysexits.h: whoever calls this from a script may try again."""
    may_pass = isinstance(error, PassingError | LateError)
    return 75 if may_pass or (isinstance(error, UploadError) and not error.final) else 1


def _size(out: Path | None) -> str:
    return "" if out is None else f": {out}, {out.stat().st_size:,} bytes"


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python3 -m client",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("file", metavar="FILE", nargs="?", type=Path, help="the document")
    what.add_argument("--fetch", metavar="ID", help="wait for a prediction that was sent before")
    parser.add_argument("--url", type=_address, default=_URL, help=f"the service; {_URL} if not")
    parser.add_argument("--out", metavar="FILE", type=Path, help="where the result goes")
    permission = parser.add_mutually_exclusive_group()
    permission.add_argument("--sign", metavar="REGION", help="sign for AWS IAM, as in eu-west-3")
    permission.add_argument(
        "--token", action="store_true", help=f"show the token (JWT) that is in {VARIABLE}"
    )
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=seconds_to_wait,
        default=_DAY_S,
        help="to wait; a day if not",
    )
    parser.add_argument("--delete", action="store_true", help="erase it there, once it is here")
    parser.add_argument("--quiet", action="store_true", help="say nothing but what went wrong")
    return parser.parse_args(argv)


def _address(text: str) -> str:
    try:
        return check_address(text).rstrip("/")
    except ClientError as cause:
        raise argparse.ArgumentTypeError(str(cause)) from cause


def seconds_to_wait(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds to wait")
    return seconds


def _permission(args: argparse.Namespace) -> Permission | None:
    if args.token:
        return Bearer(args.url, os.environ)
    return Signer(args.sign) if args.sign else None


def _are_one(out: Path, document: Path) -> bool:
    return out.exists() and document.exists() and out.samefile(document)


class _Errand:
    """What was asked for, and the prediction as soon as there is one."""

    def __init__(self, args: argparse.Namespace, progress: Progress) -> None:
        self._args = args
        self._progress = progress
        self._prediction: str | None = args.fetch
        self._arrived = args.fetch is not None
        self._saved = False

    def run(self) -> None:
        """Send if there is something to send, wait, save, delete."""
        args, progress = self._args, self._progress
        save = saver(args.out)
        service = Service(args.url, _permission(args))
        if args.file:
            if args.out and _are_one(args.out, args.file):
                raise ClientError(f"--out would replace the document {args.file}")
            deliver(service, args.file, progress, self._announce)
            self._arrived = True
        prediction = str(self._prediction)
        wait(service, prediction, save, progress, args.timeout)
        self._saved = True
        if args.delete:
            patiently(lambda: service.delete(prediction), progress)

    def _announce(self, prediction: str) -> None:
        """Early: a lost terminal then loses nothing."""
        self._prediction = prediction
        self._progress.say(f"prediction {prediction}; to come back to it: {self._command()}")

    def close(self) -> None:
        """There is nothing to come back for."""
        self._prediction = None

    def way_back(self) -> str:
        """What to say behind a failure."""
        if self._saved:
            return "the result is saved, but the service still has the document and its result"
        if self._prediction is None:
            return ""
        if not self._arrived:
            return f"should all of the document have arrived: {self._command()}"
        return f"the prediction is {self._prediction}; to come back to it: {self._command()}"

    def _command(self) -> str:
        args = self._args
        words = ["python3", "-m", "client", "--fetch", str(self._prediction)]
        words += ["--url", args.url] if args.url != _URL else []
        words += ["--sign", args.sign] if args.sign else []
        words += ["--token"] if args.token else []
        words += ["--out", str(args.out)] if args.out else []
        words += ["--delete"] if args.delete else []
        return shlex.join(words)


if __name__ == "__main__":
    sys.exit(main())
