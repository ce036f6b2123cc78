"""The template, the Dockerfile, the handlers and the settings agree."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from moto import mock_aws

from serving.settings import EU_REGIONS

ELSEWHERE = ["us-east-1", "eu-west-2", "eu-central-2", "ap-south-1"]


class _Loader(yaml.SafeLoader):
    """Reads !Ref, !Sub and the like as CloudFormation's long form."""


def _intrinsic(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    return {suffix if suffix == "Ref" else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _intrinsic)


@pytest.fixture(scope="module")
def template(root: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.load((root / "template.yaml").read_text(), _Loader)
    return content


@pytest.fixture(scope="module")
def function(template: dict[str, Any]) -> dict[str, Any]:
    resource: dict[str, Any] = template["Resources"]["PredictFunction"]
    return resource


@pytest.fixture(scope="module")
def dockerfile(root: Path, function: dict[str, Any]) -> str:
    path: str = function["Metadata"]["Dockerfile"]
    return (root / path).read_text()


def test_regions_are_the_same_everywhere(template: dict[str, Any]) -> None:
    [assertion] = template["Rules"]["InTheEuropeanUnion"]["Assertions"]
    regions, subject = assertion["Assert"]["Fn::Contains"]
    assert subject == {"Ref": "AWS::Region"}
    assert set(regions) == set(template["Mappings"]["EuropeanUnion"]) == EU_REGIONS
    assert all(region in assertion["AssertDescription"] for region in regions)


def deploy(template: dict[str, Any], region: str) -> str:
    """Create the stack of the template's log group, which looks the region up, with moto."""
    stack = {
        "Parameters": {k: template["Parameters"][k] for k in ("LogRetentionDays",)},
        "Mappings": template["Mappings"],
        "Resources": {"PredictLogs": template["Resources"]["PredictLogs"]},
    }
    with mock_aws():
        client = boto3.client(
            "cloudformation", region, aws_access_key_id="x", aws_secret_access_key="x"
        )
        client.create_stack(StackName="verger", TemplateBody=yaml.safe_dump(stack))
        [described] = client.describe_stacks(StackName="verger")["Stacks"]
        return str(described["StackStatus"])


def test_template_deploys_in_the_eu(template: dict[str, Any]) -> None:
    assert deploy(template, "eu-west-3") == "CREATE_COMPLETE"


@pytest.mark.parametrize("region", ELSEWHERE)
def test_template_is_refused_elsewhere(template: dict[str, Any], region: str) -> None:
    """By the rule in words, and by a lookup that no CloudFormation can resolve."""
    [assertion] = template["Rules"]["InTheEuropeanUnion"]["Assertions"]
    assert region not in assertion["Assert"]["Fn::Contains"][0]
    with pytest.raises(KeyError, match=region):
        deploy(template, region)


def test_samconfig_names_regions_of_the_eu(root: Path) -> None:
    import tomllib

    config = tomllib.loads((root / "samconfig.toml").read_text())
    named = [
        stage["global"]["parameters"]["region"] for key, stage in config.items() if key != "version"
    ]
    assert len(named) == 3
    assert set(named) <= EU_REGIONS


def test_function_is_what_the_specification_says(
    template: dict[str, Any], function: dict[str, Any]
) -> None:
    properties = function["Properties"]
    assert properties["PackageType"] == "Image"
    assert template["Parameters"][properties["MemorySize"]["Ref"]]["Default"] == 6144
    assert properties["Timeout"] <= 30


def test_dockerfile_has_what_the_template_asks_for(
    template: dict[str, Any], function: dict[str, Any], dockerfile: str
) -> None:
    metadata = function["Metadata"]
    for argument in metadata["DockerBuildArgs"]:
        assert re.search(rf"^ARG {argument}=", dockerfile, re.MULTILINE)
    for target in template["Parameters"]["ImageTarget"]["AllowedValues"]:
        assert re.search(rf" AS {target}$", dockerfile, re.MULTILINE)
    for name, argument in metadata["DockerBuildArgs"].items():
        default = re.search(rf"^ARG {name}=(.*)$", dockerfile, re.MULTILINE)
        assert default is not None
        assert template["Parameters"][argument["Ref"]]["Default"] == default[1]


def test_dockerfile_runs_a_handler_that_exists(root: Path, dockerfile: str) -> None:
    [command] = re.findall(r'^CMD \["([a-z.]+)"\]$', dockerfile, re.MULTILINE)
    module, _, name = command.rpartition(".")
    path = root / "functions" / f"{module.replace('.', '/')}.py"
    assigned = {
        target.id
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    assert name in assigned


def test_dockerfile_copies_what_exists(root: Path, dockerfile: str) -> None:
    copied = re.findall(r"^COPY (?!--from)(\S+) ", dockerfile, re.MULTILINE)
    for path in copied:
        if not path.startswith(("build/", "$")):
            assert (root / path).exists(), path


def references(node: Any) -> Iterator[str]:
    """Every name that a template refers to."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "Ref":
                yield value
            elif key == "Fn::GetAtt":
                yield value[0] if isinstance(value, list) else value.partition(".")[0]
            elif key == "Fn::Sub":
                yield from (name.partition(".")[0] for name in re.findall(r"\$\{([^}!]+)\}", value))
            else:
                yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_every_reference_resolves(template: dict[str, Any]) -> None:
    """sam validate lets undefined references in some places pass."""
    known = set(template["Parameters"]) | set(template["Resources"])
    for name in references(template):
        assert name in known or name.startswith("AWS::"), name


def test_every_resource_has_a_sentence(root: Path, template: dict[str, Any]) -> None:
    text = (root / "template.yaml").read_text()
    for name in template["Resources"]:
        assert re.search(rf"^  # .*\n  {name}:$", text, re.MULTILINE), name


def test_only_health_is_open(template: dict[str, Any]) -> None:
    api = template["Resources"]["Api"]["Properties"]
    assert api["Auth"]["DefaultAuthorizer"] == "AWS_IAM"
    events = template["Resources"]["PredictFunction"]["Properties"]["Events"].values()
    opened = [e["Properties"] for e in events if "Auth" in e["Properties"]]
    assert {p["Path"] for p in opened} == {"/health/live", "/health/ready"}
    assert all(p["Method"] == "GET" for p in opened)
