"""Where inputs come from: mutations at random, or guided by the lines that they reach."""

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from importlib.util import find_spec
from pathlib import Path
from random import Random

from tests.fuzz.session import Session

PACKAGES = ("predict", "serving")  # whose lines guide
_MOST_KEPT = 1_000
_LONGEST_INPUT = 100_000  # bytes of a file
_KEEP_ANYWAY = 0.02


def is_guided() -> bool:
    """Whether the library that guides is installed."""
    return find_spec("atheris") is not None


@contextmanager
def looking_on(guided: bool) -> Iterator[None]:
    """What is imported here can guide."""
    if not guided:
        yield
        return
    from atheris.import_hook import HookManager

    # What values are compared with is not looked at: that serves the library's own mutations, which
    # are not used, and leaks some 300 bytes with each execution.
    hooks = HookManager(set(PACKAGES), set(), enable_loader_override=True, trace_dataflow=False)
    with redirect_stderr(io.StringIO()), hooks:
        yield


def blind(session: Session, seed: int, is_done: Callable[[], bool]) -> list[bytes]:
    """Run until it is done: by the answers alone, of which each new one is kept to go on from.

    Returns:
        The inputs that were kept.
    """
    rng = Random(seed)
    target = session.target
    kept = target.seeds()
    seeds = len(kept)
    seen = set()
    for data in kept:
        if is_done():
            return kept
        seen.add(session.execute(data))
    while not is_done():
        data = target.mutate(rng.choice(kept), rng.choice(kept), rng)
        outcome = session.execute(data)
        is_new = outcome not in seen
        seen.add(outcome)
        if not is_new and rng.random() >= _KEEP_ANYWAY:
            continue
        if len(kept) < _MOST_KEPT:
            kept.append(data)
        else:
            kept[rng.randrange(seeds, len(kept))] = data
    return kept


def guided(session: Session, seed: int, corpus: Path, finish: Callable[[], int | None]) -> None:
    """Run until `finish` says with which code the process is to end; does not return.

    Args:
        corpus: an empty folder, for the inputs that reached something new.
        finish: None to go on.
    """
    import atheris

    target = session.target
    seeds = target.seeds()
    for position, data in enumerate(seeds):
        (corpus / f"seed-{position:04}").write_bytes(data)

    def execute(data: bytes) -> None:
        session.execute(data)
        if (code := finish()) is not None:
            sys.stdout.flush()
            os._exit(code)  # the library has no other way to end

    def mutate(data: bytes, most_bytes: int, chosen: int) -> bytes:
        rng = Random(chosen)
        mutated = target.mutate(data, rng.choice(seeds), rng)
        return mutated if len(mutated) <= most_bytes else data

    options: dict[str, object] = {
        "seed": seed,
        "max_len": _LONGEST_INPUT,
        "timeout": 0,  # ours: it says where
        "report_slow_units": 10**6,
        "artifact_prefix": f"{corpus.parent}/",
        "rss_limit_mb": 0,
        "detect_leaks": 0,
        "handle_int": 0,
        "handle_term": 0,
        "verbosity": 0,
        "entropic_scale_per_exec_time": 1,
    }
    arguments = ["fuzz", *(f"-{name}={value}" for name, value in options.items()), str(corpus)]
    atheris.Setup(arguments, execute, custom_mutator=mutate)
    atheris.Fuzz()
