"""What may be chosen: numbers between two ends, texts of a form."""

import re
from collections.abc import Iterator

from tests.contract.rules.choices import default
from tests.contract.rules.evaluation import Template


def parameters_are_bounded(template: Template) -> Iterator[str]:
    """A number has a least and a most, a text a pattern, or all values are named."""
    for name, parameter in template["Parameters"].items():
        allowed, usual = parameter.get("AllowedValues"), default(name, parameter)
        if allowed is not None:
            if usual not in allowed:
                yield f"{name}: its default {usual} is not allowed"
        elif parameter["Type"] == "Number":
            ends = parameter.get("MinValue"), parameter.get("MaxValue")
            if None in ends or not ends[0] <= usual <= ends[1]:
                yield f"{name}: {usual} is not between {ends[0]} and {ends[1]}"
        elif not re.fullmatch(parameter.get("AllowedPattern", "$."), usual):
            yield f"{name}: takes any text, or not its default"


def parameters_name_one_resource(template: Template) -> Iterator[str]:
    """A right is given on what the parameter names: its pattern must refuse "*"."""
    for name, parameter in template["Parameters"].items():
        if name.endswith("Arn") and re.fullmatch(parameter.get("AllowedPattern", ".*"), "*"):
            yield f"{name}: takes *, as a right on everything"
