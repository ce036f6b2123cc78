"""make fuzz: a parent that watches, and the process that it watches; 1 where there is a finding."""

import argparse
import secrets
import shutil
import signal
import sys
from functools import partial
from pathlib import Path

from tests.fuzz import engines
from tests.fuzz.findings import save
from tests.fuzz.lines import reached
from tests.fuzz.report import Progress, coverage, summary
from tests.fuzz.session import Session
from tests.fuzz.target import TARGETS, FaultError, open_target
from tests.fuzz.watching import FOUND, Running, watch

_ROOT = Path(__file__).parents[2]
_STUCK_S = 120.0  # beyond every deadline
_MOST_REPLAYED = 2_000
PARSERS, DOCUMENTS = "parsers", 100_000


def main() -> int:
    """Run, or repeat one input."""
    args = _arguments()
    if args.replay:
        return _replay(args)
    if args.running:
        return _work(args)
    args.seed = secrets.randbelow(10**6) if args.seed is None else args.seed
    if args.target is None:
        each = {"seconds": args.seconds / len(TARGETS)}
        wanted = [_with(args, target=name, **each) for name in (PARSERS, *TARGETS)]
    else:
        wanted = [args]
    return max([_compare(one) if one.target == PARSERS else _watch(one) for one in wanted])


def _with(args: argparse.Namespace, **changes: object) -> argparse.Namespace:
    return argparse.Namespace(**vars(args) | changes)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--target", choices=(PARSERS, *TARGETS), help="what to break; all of them")
    parser.add_argument("--seconds", type=float, default=60, help="how long, all targets together")
    parser.add_argument("--documents", type=int, default=DOCUMENTS, help="how many are compared")
    parser.add_argument("--seed", type=int, help="what chance comes from; one at random")
    parser.add_argument("--blind", action="store_true", help="by the answers, not by the lines")
    parser.add_argument("--replay", type=Path, help="execute this file, and say what is found")
    parser.add_argument("--folder", type=Path, default=_ROOT / "build/fuzz", help=argparse.SUPPRESS)
    parser.add_argument("--running", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def _compare(args: argparse.Namespace) -> int:
    """Both readers of XML, on documents that hypothesis generates."""
    from tests.fuzz.parsers.run import compare  # which the process that is guided may not import

    print(f"{PARSERS}: seed {args.seed}, {args.documents:,} documents", flush=True)
    comparison = compare(args.documents, args.seed, args.folder, progress=Progress(sys.stdout))
    print(comparison)
    findings = comparison.session.count.findings.values()
    for finding in findings:
        print(f"finding: {finding}")
    return 1 if findings or comparison.count < args.documents else 0


def _watch(args: argparse.Namespace) -> int:
    """Start the process that runs, watch it, and measure what it reached."""
    args.blind = args.blind or not engines.is_guided()
    how = "by the answers alone" if args.blind else "by the lines that are reached"
    print(f"{args.target}: seed {args.seed}, {args.seconds:g} s, guided {how}", flush=True)
    corpus = _corpus(args)
    shutil.rmtree(corpus, ignore_errors=True)
    corpus.mkdir(parents=True)
    path = corpus.with_suffix(".running")
    running = Running.create(path)
    command = [sys.executable, "-m", "tests.fuzz", "--running", str(path)]
    for name in ("target", "seconds", "seed", "folder"):
        command += [f"--{name}", str(getattr(args, name))]
    try:
        code = watch([*command, *(["--blind"] if args.blind else [])], running, _STUCK_S)
    except FaultError as fault:
        print(f"finding: {save(fault, running.data, args.target, args.folder)}")
        code = FOUND
    finally:
        path.unlink()
    # Here, where nothing looks on at the same time.
    inputs = [path.read_bytes() for path in sorted(corpus.iterdir())[:_MOST_REPLAYED]]
    if inputs:
        print(coverage(reached(partial(open_target, args.target), inputs)))
    return 1 if code else 0


def _corpus(args: argparse.Namespace) -> Path:
    folder: Path = args.folder
    return folder / f"corpus-{args.target}-{args.seed}"


def _work(args: argparse.Namespace) -> int:
    """The process that is watched."""
    with engines.looking_on(guided=not args.blind):
        target = open_target(args.target)
    progress = Progress(sys.stdout)
    session = Session(target, args.folder, running=Running(args.running), progress=progress)

    interruptions: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _frame: interruptions.append(number))

    def finish() -> int | None:
        is_over = session.seconds >= args.seconds or session.is_over or interruptions
        if not is_over:
            return None
        print(summary(session))
        return FOUND if session.count.findings else 0

    if not args.blind:
        engines.guided(session, args.seed, _corpus(args), finish)
    codes: list[int] = []

    def is_done() -> bool:
        code = finish()
        codes.extend([] if code is None else [code])
        return bool(codes)

    for position, data in enumerate(engines.blind(session, args.seed, is_done)):
        (_corpus(args) / f"{position:05}").write_bytes(data)
    return codes[0]


def _replay(args: argparse.Namespace) -> int:
    """Execute one input."""
    session = Session(open_target(args.target or args.replay.name.partition("-")[0]), args.folder)
    data = args.replay.read_bytes()
    print(data.decode(errors="replace"))
    print(session.execute(data))
    for finding in session.count.findings.values():
        print(f"finding: {finding.key}\n{finding.detail}")
    return 1 if session.count.findings else 0


if __name__ == "__main__":
    sys.exit(main())
