"""The template, the Dockerfile, the handlers and the settings agree."""

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from serving.settings import EU_REGIONS, Settings, Storage
from tests.support.template import GENERATED, choose, deploy, functions, graph, references

ELSEWHERE = ["us-east-1", "eu-west-2", "eu-central-2", "ap-south-1"]
POWERTOOLS = {"POWERTOOLS_METRICS_NAMESPACE", "POWERTOOLS_SERVICE_NAME", "POWERTOOLS_LOG_LEVEL"}
OF_ALL = {"BUCKET", "BUCKET_KMS_KEY", "S3_ENDPOINT", "TRACING"} | POWERTOOLS
SETTINGS = {
    "PredictFunction": OF_ALL | {"INPUT_NAME", "OUTPUT_NAME"},
    "BatchFunction": OF_ALL | {"QUEUE_URL", "MAX_RECEIVES"},
    "CheckFunction": OF_ALL | {"PREDICT_VERSION", "BATCH_VERSION"},
}


@pytest.fixture(scope="module")
def function(template: dict[str, Any]) -> dict[str, Any]:
    return functions(template)["PredictFunction"]


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


@mock_aws
@pytest.mark.parametrize("region", sorted(EU_REGIONS))
def test_template_deploys_in_the_eu(template: dict[str, Any], region: str) -> None:
    deploy(template, region)


@pytest.mark.parametrize("region", ELSEWHERE)
def test_template_is_refused_elsewhere(template: dict[str, Any], region: str) -> None:
    """By the rule in words, and by a lookup that no CloudFormation can resolve."""
    [assertion] = template["Rules"]["InTheEuropeanUnion"]["Assertions"]
    assert region not in assertion["Assert"]["Fn::Contains"][0]
    with mock_aws(), pytest.raises(KeyError, match=region):
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
    assert properties["Timeout"] <= 30  # an HTTP API waits for no longer


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


def defined(root: Path, handler: str) -> bool:
    """Whether "package.module.name" is at the top of a module of functions/."""
    module, _, name = handler.rpartition(".")
    body = ast.parse((root / "functions" / f"{module.replace('.', '/')}.py").read_text()).body
    targets = [t for node in body if isinstance(node, ast.Assign) for t in node.targets]
    return name in {t.id for t in targets if isinstance(t, ast.Name)} | {
        node.name for node in body if isinstance(node, ast.FunctionDef)
    }


def test_handlers_exist(root: Path, template: dict[str, Any], dockerfile: str) -> None:
    [command] = re.findall(r'^CMD \["([a-z.]+)"\]$', dockerfile, re.MULTILINE)
    configured = [f["Properties"].get("ImageConfig", {}) for f in functions(template).values()]
    handlers = {handler for image in configured for handler in image.get("Command", [command])}
    assert len(handlers) == len(SETTINGS)
    for handler in handlers:
        assert defined(root, handler), handler


def test_dockerfile_copies_what_exists(root: Path, dockerfile: str) -> None:
    copied = re.findall(r"^COPY (?!--from)(\S+) ", dockerfile, re.MULTILINE)
    for path in copied:
        if not path.startswith(("build/", "$")):
            assert (root / path).exists(), path


def test_every_reference_resolves(template: dict[str, Any]) -> None:
    """sam validate lets undefined references in some places pass."""
    named = {*template["Parameters"], *template["Resources"], *GENERATED}
    known = {"FindInMap": set(template["Mappings"]), "If": set(template["Conditions"])}
    found = list(references(template))
    assert {kind for kind, _ in found} >= {"Ref", "GetAtt", "Sub", "DependsOn", *known}
    for kind, name in found:
        assert name in known.get(kind, named) or name.startswith("AWS::"), name


def test_what_sam_makes_is_called_so(transformed: dict[str, Any]) -> None:
    assert set(transformed["Resources"]) >= GENERATED


def test_nothing_waits_for_itself(transformed: dict[str, Any]) -> None:
    """As SAM translates it: before, a function is one with its alias and its deployments."""
    order = list(TopologicalSorter(graph(transformed)).static_order())
    before = ["DeadLetters", "Queue", "QueuePolicy", "Documents", "BatchRole", "BatchFunction"]
    assert [name for name in order if name in before] == before
    # The check knows the new versions, and the alarms watch them, before an alias moves.
    alias, last = order.index("PredictFunctionAliaslive"), order.index("BatchFunctionAliaslive")
    for name in ("CheckFunction", "CheckRole", "DeployRole"):
        assert order.index(name) < min(alias, last), name


def test_sam_adds_no_rights(template: dict[str, Any], transformed: dict[str, Any]) -> None:
    def iam(content: dict[str, Any]) -> dict[str, Any]:
        resources = content["Resources"].items()
        return {name: r for name, r in resources if r["Type"].startswith("AWS::IAM::")}

    assert iam(transformed).keys() == iam(template).keys()


def test_functions_have_what_all_have(template: dict[str, Any]) -> None:
    logs = set()
    for name, function in functions(template).items():
        properties = function["Properties"]
        assert properties["PackageType"] == "Image"
        assert properties["Architectures"] == ["x86_64"]
        assert properties["Tags"].keys() == {"data-stays-in"}
        assert properties["LoggingConfig"]["LogFormat"] == "JSON"
        logs.add(log := properties["LoggingConfig"]["LogGroup"]["Ref"])
        retention = template["Resources"][log]["Properties"]["RetentionInDays"]
        assert retention == {"Ref": "LogRetentionDays"}
        assert function["Metadata"] == functions(template)["PredictFunction"]["Metadata"], name
    assert len(logs) == len(SETTINGS)


def test_functions_stay_within_the_limits_of_lambda(template: dict[str, Any]) -> None:
    limits = {"MemorySize": (128, 10_240), "Timeout": (1, 900)}
    for name, function in functions(template).items():
        for key, (least, most) in limits.items():
            value = function["Properties"][key]
            parameter = template["Parameters"][value["Ref"]] if isinstance(value, dict) else {}
            allowed = parameter.get("AllowedValues") or [
                parameter.get("MinValue", value),
                parameter.get("MaxValue", value),
            ]
            assert all(least <= number <= most for number in allowed), f"{name}: {key}"


def test_transformed_functions_differ_in_their_command_only(transformed: dict[str, Any]) -> None:
    predict, *others = (transformed["Resources"][name] for name in SETTINGS)
    for other in others:
        assert other["Properties"]["Code"] == predict["Properties"]["Code"]
        assert other["Properties"]["Tags"] == predict["Properties"]["Tags"]
    assert "ImageConfig" not in predict["Properties"]


@pytest.mark.parametrize("name", SETTINGS)
def test_variables_are_settings(root: Path, template: dict[str, Any], name: str) -> None:
    variables = functions(template)[name]["Properties"]["Environment"]["Variables"]
    page = (root / "docs/settings.md").read_text()
    assert variables.keys() == SETTINGS[name]
    for variable in variables:
        assert f"`{variable}`" in page, variable


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_are_read_from_the_variables(
    template: dict[str, Any], dockerfile: str, name: str
) -> None:
    """With what stands in for a resource under sam local: its name."""
    variables = functions(template)[name]["Properties"]["Environment"]["Variables"]
    assert "MODEL_DIR=" in dockerfile
    env = {"MODEL_DIR": "x", "AWS_REGION": "eu-west-3"}
    for variable, value in choose(variables, set()).items():
        parameter = (
            template["Parameters"].get(value.get("Ref")) if isinstance(value, dict) else None
        )
        default = str(parameter["Default"]) if parameter else value
        env[variable] = str(next(iter(default.values()))) if isinstance(default, dict) else default
    settings = Settings.from_env(env)
    queue = "Queue" if name == "BatchFunction" else None
    assert settings.storage == Storage("Documents", region="eu-west-3", queue_url=queue)
    assert settings.tracing is False
    assert Settings.from_env(env | {"TRACING": choose(variables, {"Traced"})["TRACING"]}).tracing


def test_batch_takes_one_document_at_a_time(template: dict[str, Any]) -> None:
    [event] = template["Resources"]["BatchFunction"]["Properties"]["Events"].values()
    assert event["Type"] == "SQS"
    assert event["Properties"]["BatchSize"] == 1
    assert event["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_batch_leaves_concurrency_to_the_api(template: dict[str, Any]) -> None:
    [event] = template["Resources"]["BatchFunction"]["Properties"]["Events"].values()
    maximum = event["Properties"]["ScalingConfig"]["MaximumConcurrency"]
    limits = template["Parameters"][maximum["Ref"]]
    assert limits["MinValue"] == 2  # less is refused
    assert limits["Default"] == 4


def test_batch_may_continue_itself(template: dict[str, Any]) -> None:
    """Lambda stops a function that sends to the queue that starts it, after 16 rounds."""
    properties = template["Resources"]["BatchFunction"]["Properties"]
    assert properties["RecursiveLoop"] == "Allow"
    timeouts = template["Parameters"][properties["Timeout"]["Ref"]]["AllowedValues"]
    assert Storage("any").hand_over_s <= min(timeouts) / 2


def test_every_resource_has_a_sentence(root: Path, template: dict[str, Any]) -> None:
    text = (root / "template.yaml").read_text()
    for name in template["Resources"]:
        assert re.search(rf"^  # .*\n  {name}:$", text, re.MULTILINE), name


def test_parameters_are_documented(root: Path, template: dict[str, Any]) -> None:
    """Those of a deployment, with their defaults; the others are of the build."""
    page = (root / "docs/running.md").read_text()
    for name, parameter in template["Parameters"].items():
        if "no effect at deployment" in parameter["Description"] or name == "ImageTarget":
            continue
        default = "(none)" if parameter["Default"] == "" else parameter["Default"]
        assert f"| `{name}` | {default} |" in page, name
