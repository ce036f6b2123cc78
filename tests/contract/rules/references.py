"""What a template refers to is there, in every deployment."""

import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from typing import Any

from tests.contract.rules.deployments import Deployment, deployments
from tests.contract.rules.evaluation import PSEUDO, Template
from tests.support.template import GENERATED, references

# What SAM makes beside a resource, referred to through it: PredictFunction.Alias.
MADE_BY_SAM = {"Alias", "Version", "Stage"}
LOOKUPS = {"FindInMap": "Mappings", "If": "Conditions"}


def every_reference_resolves(template: Template) -> Iterator[str]:
    """Parameters, resources, mappings and conditions, wherever they are named."""
    named = set(template["Parameters"]) | set(template["Resources"]) | {"AWS::NoValue", *PSEUDO}
    named |= GENERATED
    for section in ("Globals", "Resources", "Outputs", "Conditions", "Rules"):
        for place, node in template.get(section, {}).items():
            for kind, name in references(node):
                known = template.get(LOOKUPS[kind], {}) if kind in LOOKUPS else named
                if name not in known:
                    yield f"{place}: {kind} of {name}, which is not there"


def references_hold_in_every_deployment(template: Template) -> Iterator[str]:
    """A resource with a condition is only referred to where there is one; lookups find."""
    for deployment in deployments(template):
        missing = set(template["Resources"]) - set(deployment.resources)
        for section in (deployment.shared, deployment.resources, deployment.outputs):
            for place, node in section.items():
                for kind, name in references(node):
                    if kind == "FindInMap":
                        yield deployment.tell(f"{place}: finds nothing in {name}")
                    elif kind != "DependsOn" and name in missing:
                        yield deployment.tell(f"{place}: {kind} of {name}, which is not made")


def nothing_waits_for_itself(template: Template) -> Iterator[str]:
    """CloudFormation makes what is referred to before."""
    for deployment in deployments(template):
        try:
            TopologicalSorter(needs(deployment)).prepare()
        except CycleError as error:
            yield deployment.tell(f"{' → '.join(error.args[1])}: a circle")


def needs(deployment: Deployment) -> dict[str, set[str]]:
    """What is made before what. SAM makes several of a function: it, its version, its alias."""
    found: dict[str, set[str]] = {}
    for name, resource in deployment.resources.items():
        if resource["Type"] != "AWS::Serverless::Function":
            found[name] = set(_named(resource))
            continue
        of = dict(resource["Properties"])
        found[f"{name}.Alias"] = {f"{name}.Version", *_named(of.pop("DeploymentPreference", {}))}
        found[f"{name}.Events"] = {f"{name}.Alias", *_named(of.pop("Events", {}))}
        found[f"{name}.Version"] = {name}
        found[name] = set(_named({**resource, "Properties": of}))
    return {name: others & found.keys() for name, others in found.items()}


def _named(node: Any) -> Iterator[str]:
    """What a node needs: "Queue", "PredictFunction.Alias"."""
    if isinstance(node, list):
        for value in node:
            yield from _named(value)
    elif isinstance(node, dict):
        for key, value in node.items():
            texts = _texts(key, value)
            yield from (_made_first(text) for text in texts or [])
            if texts is None:
                yield from _named(value)


def _texts(key: str, value: Any) -> list[str] | None:
    """The names in a reference; None where there is none at this key."""
    if key == "Fn::GetAtt":
        return [".".join(value)]
    if key == "Fn::Sub":
        return re.findall(r"\$\{([^}!]+)\}", str(value))
    if key in {"Ref", "DependsOn"}:
        return value if isinstance(value, list) else [value]
    return None


def _made_first(name: str) -> str:
    """Attributes are of the resource, but for what SAM makes a resource of its own."""
    base, _, attribute = name.partition(".")
    made = attribute.partition(".")[0]
    return f"{base}.{made}" if made in MADE_BY_SAM else base
