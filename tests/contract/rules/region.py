"""In the European Union, and nowhere else."""

import re
from collections.abc import Iterator
from typing import Any

from serving.settings import EU_REGIONS
from tests.contract.rules.deployments import deployments
from tests.contract.rules.evaluation import Template

MAPPING = "EuropeanUnion"
REGION = re.compile(r"\b(?:af|ap|ca|cn|eu|eusc|il|me|mx|sa|us)(?:-gov|-iso[a-f]?)?-[a-z]+-\d\b")
FIXED = {
    "region": REGION,
    "account": re.compile(r"(?<!\d)\d{12}(?!\d)"),
    "partition": re.compile(r"\barn:aws[a-z-]*:"),
}
TOLD_TO_PEOPLE = {"Description", "AllowedPattern", "ConstraintDescription", "AssertDescription"}
TAG = "data-stays-in"
TAGGED = {
    "AWS::EMRServerless::Application",
    "AWS::KMS::Key",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
    "AWS::Serverless::Function",
}


def only_the_eu_is_allowed(template: Template) -> Iterator[str]:
    """By a rule in words, and by a lookup that fails elsewhere: exactly the regions of the EU."""
    mapped = set(template["Mappings"].get(MAPPING, {}))
    if mapped != EU_REGIONS:
        yield f"{MAPPING}: {sorted(mapped ^ EU_REGIONS)} in the mapping"
    ruled = [
        set(contains[0])
        for rule in template.get("Rules", {}).values()
        for assertion in rule["Assertions"]
        if (contains := assertion["Assert"].get("Fn::Contains"))
        and contains[1] == {"Ref": "AWS::Region"}
        and "RuleCondition" not in rule
    ]
    if not ruled:
        yield "Rules: no rule on the region"
    for regions in ruled:
        if regions != EU_REGIONS:
            yield f"Rules: {sorted(regions ^ EU_REGIONS)} in the rule on the region"
    lookup = f"{{'Fn::FindInMap': ['{MAPPING}', {{'Ref': 'AWS::Region'}}, "
    if not any(lookup in str(r) for r in template["Resources"].values() if "Condition" not in r):
        yield f"{MAPPING}: no resource that is always made looks the region up"


def nothing_is_written_down(template: Template) -> Iterator[str]:
    """A region, an account or a partition is asked for, never assumed."""
    for section in ("Globals", "Parameters", "Conditions", "Resources", "Outputs"):
        for place, node in template.get(section, {}).items():
            for text in _texts(node):
                for kind, pattern in FIXED.items():
                    if match := pattern.search(text):
                        yield f"{place}: {kind} {match[0]}"


def _texts(node: Any) -> Iterator[str]:
    """All that is written, but what people read and what it is checked against."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key not in TOLD_TO_PEOPLE:
                yield str(key)
                yield from _texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from _texts(value)
    else:
        yield str(node)


def what_holds_data_says_where(template: Template) -> Iterator[str]:
    """A tag with the country, for whoever looks at the account and not at the template."""
    for deployment in deployments(template):
        country = template["Mappings"].get(MAPPING, {}).get("eu-west-3", {}).get("Country")
        for name, resource in {**deployment.resources, **deployment.functions}.items():
            if resource["Type"] not in TAGGED:
                continue
            tags = resource.get("Properties", {}).get("Tags", {})
            if isinstance(tags, list):
                tags = {tag["Key"]: tag["Value"] for tag in tags}
            if tags.get(TAG) != country:
                yield deployment.tell(f"{name}: has no tag {TAG}")
