"""make fruits-submit: check, estimate, upload and start a job on EMR Serverless, then follow it.

Exit code 0 when the job succeeded (or a dry run would have been let through), 1 when it was
refused or failed, 130 when somebody stopped looking; the job runs on then.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from cluster.cost import DEFAULT_BUDGET_EUR, RATES, Estimate, check_budget, estimate
from emr.account import Account, Stack, asking
from emr.archive import PYTHON, PYTHONS
from emr.following import cancel, follow
from emr.parcel import Parcel, upload
from emr.request import minutes_for, request
from serving.bundle import verify
from serving.errors import ConfigurationError, ServingError

STACK = "verger-jobs"
BUNDLES = Path("build/spark/bundles")
# Of main.py, which takes the last of two; what comes after -- was looked at by nobody.
_CHECKED = ("--images", "--out", "--model", "--weights", "--size", "--workers", "--budget-eur")
Wait = Callable[[float], object]


def main(arguments: Sequence[str], wait: Wait = time.sleep) -> int:
    """Do what the arguments ask for; see above for what is returned."""
    asked = _parser().parse_args(arguments)
    try:
        account = Account(asked.region)
        stack = account.stack(asked.stack)
        if asked.cancel:
            cancel(account, stack, asked.cancel)
            _say(f"job {asked.cancel} is asked to end; what it wrote stays, and is continued")
            return 0
        job = asked.follow or _submit(account, stack, asked)
        return 0 if job is None else _follow(account, stack, job, wait)
    except ServingError as refusal:
        print(f"refused: {refusal}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        _say("\nstopped before AWS said that a job had started")
        return 130


def _submit(account: Account, stack: Stack, asked: argparse.Namespace) -> str | None:
    """Check and start; the id of the job, None in a dry run.

    Raises:
        ServingError: it may not start; it says why.
    """
    _check_more(asked.more)
    for name in ("images", "out"):
        if not (getattr(asked, name) or "").startswith("s3://"):
            raise ConfigurationError(f"--{name} is to be an s3:// URL, got {getattr(asked, name)}")
    account.check_paths(stack, asked.images, asked.out)
    count, size_bytes = account.count_images(asked.images)
    _say(f"{count:,} images, {size_bytes / 1e6:,.1f} MB, in {asked.images}")
    expected = _estimate(stack, count, asked)
    _say(str(expected))
    check_budget(expected, asked.budget_eur)
    minutes = minutes_for(expected, asked.budget_eur)
    parcel = Parcel.build(_bundle(asked), asked.python)
    missing = parcel.missing(account.client("s3"), stack.bucket)
    for item in parcel:
        there = "to upload" if item in missing else "there already"
        _say(f"{item.key}: {item.size_bytes / 1e6:,.1f} MB, {there}")
    started = request(
        stack,
        parcel,
        expected,
        name=f"fruits {asked.model} {count}",
        arguments=_arguments(stack, parcel, expected, asked),
        minutes=minutes,
    )
    if asked.dry_run:
        _say("dry run: nothing on AWS was changed; StartJobRun would be asked for")
        print(json.dumps(started, indent=2))
        return None
    upload(account.client("s3"), stack.bucket, missing)
    with asking(f"application {stack.application}"):
        job: str = account.client("emr-serverless").start_job_run(**started)["jobRunId"]
    _say(f"job {job}, at most {minutes} minutes")
    return job


def _estimate(stack: Stack, count: int, asked: argparse.Namespace) -> Estimate:
    workers = stack.max_workers if asked.workers is None else asked.workers
    if workers > stack.max_workers:
        raise ConfigurationError(
            f"{workers} workers asked for, stack {stack.name} allows {stack.max_workers}: fewer, "
            "or MaxWorkers of the stack"
        )
    return estimate(count, model=asked.model, region=stack.region, workers=workers, size=asked.size)


def _check_more(words: Sequence[str]) -> None:
    """What was checked stays as it was: abbreviations are of it as well, and --name=value."""
    for word in words:
        name = word.partition("=")[0]
        if name == "--" or not name.startswith("--"):
            continue
        if known := [one for one in _CHECKED if one.startswith(name)]:
            raise ConfigurationError(
                f"{known[0]} is given before --, where it is checked, not after it"
            )


def _bundle(asked: argparse.Namespace) -> Path:
    """The one that is named, or one that is built here, where the compiler is.

    Raises:
        ServingError: it is not whole, or not of this network and size.
    """
    from fruits.models import NETWORKS
    from fruits.weights import bundle_for, check_shape

    network, bundle = NETWORKS[asked.model], Path(asked.bundle or "")
    if not asked.bundle:
        bundle = bundle_for(network, asked.weights, asked.size, BUNDLES)
    found = verify(bundle)
    check_shape(found.input.spec, found.output.spec, str(bundle), asked.size, network)
    return bundle


def _arguments(
    stack: Stack, parcel: Parcel, expected: Estimate, asked: argparse.Namespace
) -> list[str]:
    """Of main.py; what it would refuse ends the program here, before anything is paid."""
    from fruits.options import add_arguments

    weights, budget = f"s3://{stack.bucket}/{parcel.bundle_key}", f"{asked.budget_eur:g}"
    values = (asked.images, asked.out, asked.model, weights, asked.size, expected.workers, budget)
    known = zip(_CHECKED, values, strict=True)
    words = [*(str(word) for pair in known for word in pair), *asked.more]
    parser = argparse.ArgumentParser(prog="main.py fruits", allow_abbrev=False)
    add_arguments(parser)
    parser.parse_args(words)
    return ["fruits", *words]


def _follow(account: Account, stack: Stack, job: str, wait: Wait) -> int:
    """Look until the end; whatever ends the looking, the job runs on."""
    try:
        return 0 if follow(account, stack, job, say=_say, wait=wait) else 1
    except ServingError as error:
        _say(f"cannot look any more: {error}")
        code = 1
    except KeyboardInterrupt:
        code = 130
    _say(f"\njob {job} runs on: FOLLOW={job} looks again, CANCEL={job} stops it")
    return code


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make fruits-submit", description=__doc__)
    add = parser.add_argument
    add("--stack", default=STACK, help=f"of jobs/template.yaml; default {STACK}")
    add("--region", help="default: as AWS_REGION or the profile says")
    add("--images", help="s3://…/<class>/<image>.jpg")
    add("--out", help="s3://…: where results go, below runs/ of the stack's bucket")
    add("--bundle", help="a bundle's folder; default: built from --model and --weights")
    add("--model", choices=sorted(RATES), default="mobilenet_v2")
    add("--weights", default="imagenet", help="for a bundle that is built here")
    add("--size", type=int, default=100, help="height and width in pixels")
    add("--budget-eur", type=float, default=DEFAULT_BUDGET_EUR)
    add("--workers", type=int, help="default: as many as the stack allows")
    add("--python", choices=PYTHONS, default=PYTHON, help="of the release")
    add("--dry-run", action="store_true", help="check and print; change nothing on AWS")
    add("--follow", metavar="JOB", help="look at a job that was started before")
    add("--cancel", metavar="JOB", help="stop a job")
    add("more", nargs="*", help="after --: more arguments of main.py fruits")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
