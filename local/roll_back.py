"""make roll-back: lets requests and documents go to a version that served before.

It moves the alias `live` of a function, which takes a second and needs no image; the stack itself
is left alone, so the next deployment begins where the last one ended. Which version served, a
person says: those whose deployment failed are kept by AWS as well.
"""

import argparse
import sys
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.stage import Stage, StageError

ALIAS = "live"
FUNCTIONS = {"predict": "PredictFunction", "batch": "BatchFunction"}


class RollBackError(Exception):
    """The alias stays where it is; says why, and the way out."""


def describe(functions: Any, name: str) -> list[str]:
    """The versions of a function, the newest first: since when there is each, and which serves."""
    serving = int(functions.get_alias(FunctionName=name, Name=ALIAS)["FunctionVersion"])
    versions = sorted(_versions(functions, name).items(), reverse=True)
    return [
        f"  {number:>4}  {made}{'  serves' if number == serving else ''}"
        for number, made in versions
    ]


def look(functions: Any, name: str, to: int) -> dict[str, Any]:
    """The alias of a function as it is, once it is known that it can go to a version.

    Raises:
        RollBackError: a deployment is under way, or there is no such version.
    """
    alias: dict[str, Any] = functions.get_alias(FunctionName=name, Name=ALIAS)
    if alias.get("RoutingConfig", {}).get("AdditionalVersionWeights"):
        raise RollBackError(
            f"{name}: a deployment is under way. Stop that, and CodeDeploy rolls it back: "
            "aws deploy list-deployments --include-only-statuses InProgress, and then "
            "aws deploy stop-deployment --auto-rollback-enabled --deployment-id ID"
        )
    if to not in (versions := _versions(functions, name)):
        known = ", ".join(map(str, sorted(versions)))
        raise RollBackError(f"{name}: there is no version {to}; there are: {known}")
    return alias


def move(functions: Any, name: str, alias: dict[str, Any], to: int) -> None:
    """Let a version serve; refused where somebody else moved the alias meanwhile."""
    functions.update_alias(
        FunctionName=name,
        Name=ALIAS,
        FunctionVersion=str(to),
        RevisionId=alias["RevisionId"],
    )


def _versions(functions: Any, name: str) -> dict[int, str]:
    pages = functions.get_paginator("list_versions_by_function").paginate(FunctionName=name)
    found = [version for page in pages for version in page["Versions"]]
    # Not $LATEST.
    return {int(v["Version"]): v["LastModified"] for v in found if v["Version"].isdecimal()}


def main() -> int:
    """List the versions of both functions, or move those that are named."""
    parser = argparse.ArgumentParser(prog="make roll-back", description=__doc__)
    parser.add_argument("--stage", default="default", help="of samconfig.toml")
    for label in FUNCTIONS:
        parser.add_argument(f"--{label}", type=int, help="the version that is to serve")
    args = parser.parse_args()
    wanted = {label: getattr(args, label) for label in FUNCTIONS if getattr(args, label)}
    try:
        stage = Stage.read(args.stage)
        functions = stage.client("lambda")
        names = {label: stage.function(resource) for label, resource in FUNCTIONS.items()}
        if not wanted:
            _list(stage, functions, names)
            return 0
        # All are looked at before one is moved.
        found = {label: look(functions, names[label], to) for label, to in wanted.items()}
        for label, to in wanted.items():
            move(functions, names[label], found[label], to)
            before = found[label]["FunctionVersion"]
            print(f"{stage.stack}: {label} went from version {before} to {to}", flush=True)
    except (StageError, RollBackError, BotoCoreError, ClientError) as refusal:
        print(refusal, file=sys.stderr)
        return 1
    print("the next deployment goes on from the newest version: mend that first")
    return 0


def _list(stage: Stage, functions: Any, names: dict[str, str]) -> None:
    for label, name in names.items():
        print(f"{stage.stack}: {label}", *describe(functions, name), sep="\n", flush=True)
    print(
        "nothing was moved: name versions that served, PREDICT_VERSION=n and BATCH_VERSION=n; "
        "those whose deployment failed are listed as well"
    )


if __name__ == "__main__":
    sys.exit(main())
