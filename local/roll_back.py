"""make roll-back: lets requests and documents go to the version before the one that serves now.

It moves the alias `live` of both functions, which takes a second and needs no image; the stack
itself is left alone, so the next deployment begins where the last one ended.
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


def roll_back(functions: Any, name: str) -> tuple[int, int]:
    """Move the alias of a function one version back; which it was, and which it is.

    Raises:
        RollBackError: a deployment is under way, or there is no version before.
    """
    alias = functions.get_alias(FunctionName=name, Name=ALIAS)
    if alias.get("RoutingConfig", {}).get("AdditionalVersionWeights"):
        raise RollBackError(
            f"{name}: a deployment is under way. Stop that, and CodeDeploy rolls it back: "
            "aws deploy list-deployments --include-only-statuses InProgress, and then "
            "aws deploy stop-deployment --auto-rollback-enabled --deployment-id ID"
        )
    current = int(alias["FunctionVersion"])
    earlier = [version for version in _versions(functions, name) if version < current]
    if not earlier:
        raise RollBackError(f"{name}: version {current} is the first one that is kept")
    functions.update_alias(
        FunctionName=name,
        Name=ALIAS,
        FunctionVersion=str(max(earlier)),
        RevisionId=alias["RevisionId"],  # refused where somebody else moved it meanwhile
    )
    return current, max(earlier)


def _versions(functions: Any, name: str) -> list[int]:
    pages = functions.get_paginator("list_versions_by_function").paginate(FunctionName=name)
    texts = [version["Version"] for page in pages for version in page["Versions"]]
    return [int(text) for text in texts if text.isdecimal()]  # not $LATEST


def main() -> int:
    """Roll back both functions of a stage's stack, or the one that is named."""
    parser = argparse.ArgumentParser(prog="make roll-back", description=__doc__)
    parser.add_argument("--stage", default="default", help="of samconfig.toml")
    parser.add_argument("--only", choices=tuple(FUNCTIONS), help="one of the functions")
    args = parser.parse_args()
    names = [args.only] if args.only else list(FUNCTIONS)
    try:
        stage = Stage.read(args.stage)
        functions = stage.client("lambda")
        for name in names:
            before, now = roll_back(functions, stage.function(FUNCTIONS[name]))
            print(f"{stage.stack}: {name} went from version {before} to {now}", flush=True)
    except (StageError, RollBackError, BotoCoreError, ClientError) as refusal:
        print(refusal, file=sys.stderr)
        return 1
    print("the next deployment goes on from the version that was rolled back: mend it first")
    return 0


if __name__ == "__main__":
    sys.exit(main())
