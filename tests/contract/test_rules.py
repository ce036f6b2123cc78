"""The template keeps every rule, and a worse one does not: each rule can fail, and does."""

from pathlib import Path

import pytest

from tests.contract.rules.catalog import EXCEPTIONS, RULES, Rule, found, violations
from tests.contract.rules.deployments import deployments
from tests.contract.rules.evaluation import Template
from tests.contract.rules.lasting import read_with_sentences
from tests.contract.weakenings import WEAKENINGS
from tests.contract.weakenings.change import Weakening


@pytest.fixture(scope="module")
def template(root: Path) -> Template:
    return read_with_sentences(root)


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.__name__) for rule in RULES])
def test_template_keeps_the_rule(template: Template, rule: Rule) -> None:
    assert violations(rule, template) == []


@pytest.mark.parametrize("weakening", [pytest.param(one, id=one.name) for one in WEAKENINGS])
def test_weaker_template_breaks_the_rule(template: Template, weakening: Weakening) -> None:
    """And is told where: by the name of the resource, the parameter or the setting."""
    weaker = weakening.weaken(template)
    assert weaker != template
    told = violations(weakening.rule, weaker)
    assert any(weakening.told in one for one in told), told


def test_weakening_leaves_the_template_as_it_was(template: Template, root: Path) -> None:
    for weakening in WEAKENINGS:
        weakening.weaken(template)
    assert template == read_with_sentences(root)


def test_every_rule_can_fail() -> None:
    caught = {weakening.rule.__name__ for weakening in WEAKENINGS}
    assert {rule.__name__ for rule in RULES} == caught


def test_weakenings_are_many_and_different() -> None:
    assert len({weakening.name for weakening in WEAKENINGS}) == len(WEAKENINGS) >= 35


@pytest.mark.parametrize(("name", "message"), EXCEPTIONS)
def test_exception_is_still_needed(template: Template, name: str, message: str) -> None:
    [rule] = [rule for rule in RULES if rule.__name__ == name]
    assert message in found(rule, template)
    assert EXCEPTIONS[name, message].endswith(".")


def test_every_parameter_is_tried(template: Template) -> None:
    """All that is allowed, the ends of a range, and what decides on something in pairs."""
    tried = {(name, value) for one in deployments(template) for name, value in one.chosen.items()}
    for name, parameter in template["Parameters"].items():
        allowed = parameter.get("AllowedValues", [])
        ends = [parameter[end] for end in ("MinValue", "MaxValue") if end in parameter]
        for value in {*allowed, *ends} - {parameter.get("Default")}:
            assert (name, value) in tried, name
        if parameter.get("Default") == "":
            assert any(name == other for other, _ in tried), name
