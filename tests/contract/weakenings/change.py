"""What makes a template weaker: one value put, dropped or added, at a path."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.contract.rules.catalog import Rule
from tests.contract.rules.evaluation import Template

# A step into a node: a key, an index, or items that the one meant in a list has.
Step = str | int | dict[str, Any]
Change = Callable[[Template], None]


@dataclass(frozen=True)
class Weakening:
    """A change that makes a template worse, who must see it, and the name that must be told."""

    name: str
    rule: Rule
    told: str
    change: Change

    def weaken(self, template: Template) -> Template:
        """A weaker copy. By way of JSON, as an alias in the YAML is one node in two places."""
        copy: Template = json.loads(json.dumps(template))
        self.change(copy)
        return copy


def of(resource: str, *steps: Step) -> tuple[Step, ...]:
    """The path to a property of a resource."""
    return ("Resources", resource, "Properties", *steps)


def right(role: str, action: str, *steps: Step) -> tuple[Step, ...]:
    """The path to the first statement of a role that allows just this action."""
    return of(role, "Policies", 0, "PolicyDocument", "Statement", {"Action": action}, *steps)


def statement(policy: str, sid: str, *steps: Step) -> tuple[Step, ...]:
    """The path to a statement of a policy on a resource."""
    document = "KeyPolicy" if policy.endswith("Key") else "PolicyDocument"
    return of(policy, document, "Statement", {"Sid": sid}, *steps)


def dimension(alarm: str, name: str) -> tuple[Step, ...]:
    """The path to the value of an alarm's dimension."""
    return of(alarm, "Dimensions", {"Name": name}, "Value")


def put(*steps: Step, value: Any) -> Change:
    """Set what is at a path, whether it was there or not."""

    def change(template: Template) -> None:
        node = _at(template, steps[:-1])
        node[_key(node, steps[-1])] = value

    return change


def drop(*steps: Step) -> Change:
    """Take away what is at a path; it must be there."""

    def change(template: Template) -> None:
        node = _at(template, steps[:-1])
        del node[_key(node, steps[-1])]

    return change


def add(*steps: Step, value: Any) -> Change:
    """Append to the list at a path, of one where there was one without brackets."""

    def change(template: Template) -> None:
        parent = _at(template, steps[:-1])
        key = _key(parent, steps[-1])
        before = parent[key] if isinstance(parent[key], list) else [parent[key]]
        parent[key] = [*before, value]

    return change


def several(*changes: Change) -> Change:
    """One change after the other."""

    def change(template: Template) -> None:
        for one in changes:
            one(template)

    return change


def _at(template: Template, steps: tuple[Step, ...]) -> Any:
    node: Any = template
    for step in steps:
        node = node[_key(node, step)]
    return node


def _key(node: Any, step: Step) -> Any:
    """The index of what a step means, for a step that is made of items."""
    if not isinstance(step, dict):
        return step
    return next(i for i, inner in enumerate(node) if step.items() <= inner.items())
