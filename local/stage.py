"""A stage of samconfig.toml: which stack, in which region, with which parameters."""

import shlex
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import boto3
from botocore.config import Config

_CONFIG = Path("samconfig.toml")
# A person waits: whoever does not answer in seconds is out of reach.
_PATIENCE = Config(connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 3})


class StageError(Exception):
    """There is no such stage, or its stack lacks something; says what there is."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What `sam deploy --config-env` would take.

    Attributes:
        given: the parameters that differ from the template's defaults, as texts.
    """

    name: str
    stack: str
    region: str
    given: dict[str, str]

    @classmethod
    def read(cls, name: str, path: Path = _CONFIG) -> Self:
        """A stage by its name.

        Raises:
            StageError: there is none of that name.
        """
        config = tomllib.loads(path.read_text(encoding="utf-8"))
        stages = [key for key, value in config.items() if isinstance(value, dict)]
        if name not in stages:
            raise StageError(f"STAGE is {name}: expected {', '.join(stages[:-1])} or {stages[-1]}")
        known = config[name]["global"]["parameters"]
        given = config[name].get("deploy", {}).get("parameters", {}).get("parameter_overrides", "")
        return cls(name, known["stack_name"], known["region"], _pairs(given))

    def client(self, service: str) -> Any:
        """AWS's client in the stage's region."""
        return boto3.client(service, region_name=self.region, config=_PATIENCE)

    def outputs(self) -> dict[str, str]:
        """The outputs of the stack, which must be there."""
        stacks = self.client("cloudformation").describe_stacks(StackName=self.stack)["Stacks"]
        return {o["OutputKey"]: o["OutputValue"] for o in stacks[0].get("Outputs", [])}

    def function(self, resource: str) -> str:
        """The name that a function of the template has in the stack."""
        found = self.client("cloudformation").describe_stack_resource(
            StackName=self.stack, LogicalResourceId=resource
        )
        return str(found["StackResourceDetail"]["PhysicalResourceId"])


def _pairs(given: str | list[str]) -> dict[str, str]:
    """Both forms that sam reads: one text, or a list."""
    words = shlex.split(given) if isinstance(given, str) else given
    return {name: value for name, _, value in (word.partition("=") for word in words)}
