"""jobs/template.yaml keeps the rules of the service that hold for it, and those of Spark."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.contract.rules import access, lasting, parameters, references, region, spark, storage
from tests.contract.rules.catalog import Rule, found
from tests.contract.rules.deployments import deployments
from tests.contract.rules.evaluation import Template
from tests.contract.rules.lasting import read_with_sentences
from tests.contract.weakenings.change import Weakening
from tests.contract.weakenings.jobs import SHARED
from tests.contract.weakenings.spark import MONEY, REACH

WEAKENINGS = [*MONEY, *REACH, *SHARED]

# Without those on functions, the API, queues, alarms and log groups: there are none.
RULES: list[Rule] = [
    access.no_right_is_a_wildcard,
    access.no_policy_of_others_is_attached,
    access.roles_trust_one_service,
    access.nobody_is_anybody,
    access.no_role_is_passed_on,
    parameters.parameters_are_bounded,
    parameters.parameters_name_one_resource,
    storage.buckets_are_private,
    storage.data_rests_encrypted,
    storage.everything_comes_by_tls,
    storage.documents_expire,
    storage.erased_is_erased,
    references.every_reference_resolves,
    references.references_hold_in_every_deployment,
    references.nothing_waits_for_itself,
    region.only_the_eu_is_allowed,
    region.nothing_is_written_down,
    region.what_holds_data_says_where,
    lasting.what_holds_data_says_what_becomes_of_it,
    lasting.every_resource_has_a_sentence,
    *spark.RULES,
]
# (rule, what it finds): why that stays.
EXCEPTIONS = {
    (
        access.no_right_is_a_wildcard.__name__,
        "JobRole: s3:GetObject on arn:aws:s3:::photographs/images/*: not one resource",
    ): "A folder of the bucket that whoever deploys has named; its parameters take no wildcard.",
}


@pytest.fixture(scope="module")
def template(root: Path) -> Template:
    return read_with_sentences(root / "jobs")


def violations(rule: Rule, template: Template) -> list[str]:
    """What a rule finds and nobody excepted."""
    return [
        told
        for message, told in found(rule, template).items()
        if (rule.__name__, message) not in EXCEPTIONS
    ]


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


def test_every_rule_can_fail() -> None:
    caught = {weakening.rule.__name__ for weakening in WEAKENINGS}
    assert {rule.__name__ for rule in RULES} == caught
    assert len({weakening.name for weakening in WEAKENINGS}) == len(WEAKENINGS)


@pytest.mark.parametrize(("name", "message"), EXCEPTIONS)
def test_exception_is_still_needed(template: Template, name: str, message: str) -> None:
    [rule] = [rule for rule in RULES if rule.__name__ == name]
    assert message in found(rule, template)


def test_choices_are_tried(template: Template) -> None:
    """Own images and others', own key, own network, each size of the ceiling."""
    tried = [one.chosen for one in deployments(template)]
    for name in ("ImagesBucket", "KmsKeyArn", "SubnetIds"):
        assert any(chosen.get(name) for chosen in tried), name
    assert {chosen.get("MaxWorkers", 8) for chosen in tried} == {2, 4, 8, 16, 32}


def test_region_is_refused_in_the_same_words(root: Path, template: Template) -> None:
    """As by the service's own template."""
    service = read_with_sentences(root)
    name = "InTheEuropeanUnion"
    assert template["Rules"][name] == service["Rules"][name]
    assert template["Mappings"]["EuropeanUnion"] == service["Mappings"]["EuropeanUnion"]


def test_template_passes_lint(root: Path) -> None:
    sam = root / "build/env/sam/bin/sam"
    if not sam.exists():
        pytest.skip("sam is not installed (make validate does it)")
    done = subprocess.run(
        [sam, "validate", "--lint", "--region", "eu-west-3", "-t", "jobs/template.yaml"],
        cwd=root,
        env={**os.environ, "SAM_CLI_TELEMETRY": "0"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
