"""The stacks that can be made of a template, one for each choice of parameters."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.contract.rules.choices import Choice, choices, evaluation
from tests.contract.rules.evaluation import Evaluation, Resource, Template
from tests.support.template import function


@dataclass(frozen=True)
class Deployment:
    """One stack: its resources and outputs, resolved, and its functions with what all have."""

    chosen: Choice
    resources: dict[str, Resource]
    outputs: dict[str, Any]
    shared: dict[str, Any]  # Globals
    functions: dict[str, Resource]

    def of_type(self, kind: str) -> dict[str, Resource]:
        """The resources of a type, by name."""
        return {n: r for n, r in self.resources.items() if r["Type"] == kind}

    def tell(self, message: str) -> str:
        """A violation with what has to be chosen for it to show."""
        if not self.chosen:
            return message
        return f"{message} (with {', '.join(f'{k}={v}' for k, v in self.chosen.items())})"


_known: list[tuple[Template, list[Deployment]]] = []  # the last one: a template has many rules


def deployments(template: Template) -> list[Deployment]:
    """Every deployment worth a look; the first is the one with all defaults."""
    if not (_known and _known[0][0] is template):
        resolver = _Resolver(template)
        made = [_deploy(template, chosen, resolver) for chosen in choices(template)]
        _known[:] = [(template, made)]
    return _known[0][1]


class _Resolver:
    """Resolves a part of the template once for all choices that mean the same to it."""

    def __init__(self, template: Template) -> None:
        parameters, conditions = template["Parameters"], template.get("Conditions", {})
        self._parameters = frozenset(parameters)
        self._conditions = {name: _words(node) for name, node in conditions.items()}
        self._done: dict[tuple[int, str], Any] = {}
        self._asked: dict[int, frozenset[str]] = {}

    def resolve(self, node: Any, chosen: Choice, with_them: Evaluation) -> Any:
        if id(node) not in self._asked:
            self._asked[id(node)] = self._closed(_words(node)) & self._parameters
        asked = self._asked[id(node)]
        key = id(node), str(sorted((k, v) for k, v in chosen.items() if k in asked))
        if key not in self._done:
            self._done[key] = with_them.resolve(node)
        return self._done[key]

    def _closed(self, words: frozenset[str]) -> frozenset[str]:
        """With the words of the conditions that are named, and of those that these name."""
        named = [self._conditions[word] - words for word in words if word in self._conditions]
        return self._closed(words.union(*named)) if any(named) else words


def _words(node: Any) -> frozenset[str]:
    """All words of a node: more than the names that it refers to, and never less."""
    return frozenset(re.findall(r"\w+", json.dumps(node)))


def _deploy(template: Template, chosen: Choice, resolver: _Resolver) -> Deployment:
    with_them = evaluation(template, chosen)

    def made(section: str) -> Mapping[str, Any]:
        return {
            name: resolver.resolve(node, chosen, with_them)
            for name, node in template.get(section, {}).items()
            if "Condition" not in node or with_them.condition(node["Condition"])
        }

    resources = dict(made("Resources"))
    shared = {"Function": {}, **made("Globals")}
    functions = {
        name: function({"Resources": resources, "Globals": shared}, name)
        for name, resource in resources.items()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    return Deployment(chosen, resources, dict(made("Outputs")), shared, functions)
