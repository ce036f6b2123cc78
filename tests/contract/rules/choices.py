"""The parameters worth a try: each value of each, and pairs of those that decide on something."""

from collections.abc import Iterator
from itertools import combinations
from typing import Any

from tests.contract.rules.evaluation import Evaluation, Template
from tests.support.template import references

Choice = dict[str, Any]  # the parameters that are not at their default
# A value for what is empty by default, so that what it turns on is looked at as well.
GIVEN = {
    "AlarmEmail": "operator@example.org",
    "ImagesBucket": "photographs",
    "ImagesKeyArn": "arn:aws:kms:eu-west-3:123456789012:key/5e6f7a8b-0000-4000-8000-000000000000",
    "JwtAudience": "verger",
    "JwtIssuer": "https://issuer.example.org",
    "JwtScope": "verger/predict",
    "KmsKeyArn": "arn:aws:kms:eu-west-3:123456789012:key/0a1b2c3d-0000-4000-8000-000000000000",
    "SecurityGroupIds": "sg-0a1b2c3d",
    "SubnetIds": "subnet-0a1b2c3d,subnet-4e5f6a7b",
}


def choices(template: Template) -> list[Choice]:
    """All that are tried and that the template's own rules take; first that of all defaults."""
    others = _others(template)
    wanted = (_completed(template, chosen, others) for chosen in _wanted(template, others))
    return list({str(sorted(c.items())): c for c in wanted if c is not None}.values())


def evaluation(template: Template, chosen: Choice) -> Evaluation:
    """The template with these parameters, and all others at their default."""
    defaults = {name: default(name, one) for name, one in template["Parameters"].items()}
    return Evaluation(template, defaults | chosen)


def default(name: str, parameter: dict[str, Any]) -> Any:
    """What a parameter is where nobody says; one that somebody must say is tried like this."""
    if "Default" in parameter:
        return parameter["Default"]
    least = parameter.get("MinValue", GIVEN.get(name, "given"))
    return parameter.get("AllowedValues", [least])[0]


def _values(name: str, parameter: dict[str, Any]) -> list[Any]:
    """What is allowed, or the ends of it; without the default."""
    found = list(parameter.get("AllowedValues", []))
    found += [parameter[key] for key in ("MinValue", "MaxValue") if key in parameter]
    if parameter.get("Default") == "":
        found.append(GIVEN.get(name, "given"))
    return [value for value in found if value != default(name, parameter)]


def _wanted(template: Template, others: Choice) -> Iterator[Choice]:
    yield {}
    for name, parameter in template["Parameters"].items():
        for value in _values(name, parameter):
            yield {name: value}
    for names in combinations(others, 2):
        yield {name: others[name] for name in names}
    yield others


def _others(template: Template) -> Choice:
    """A second value for each parameter that decides on something."""
    parameters = template["Parameters"]
    deciding = [template.get(section, {}) for section in ("Conditions", "Rules")]
    names = {name for _, name in references(deciding)} & set(parameters)
    return {name: _values(name, parameters[name])[-1] for name in sorted(names)}


def _completed(template: Template, chosen: Choice, others: Choice) -> Choice | None:
    """What is chosen, with what it asks for: a rule may take one parameter with another only."""
    left = [name for name in others if name not in chosen]
    for count in range(3):
        for names in combinations(left, count):
            whole = chosen | {name: others[name] for name in names}
            if _is_taken(template, whole):
                return whole
    return None


def _is_taken(template: Template, chosen: Choice) -> bool:
    """Whether the template's own rules let these parameters pass."""
    with_them = evaluation(template, chosen)
    return all(
        with_them.holds(asserted["Assert"])
        for rule in template.get("Rules", {}).values()
        if "RuleCondition" not in rule or with_them.holds(rule["RuleCondition"])
        for asserted in rule["Assertions"]
    )
