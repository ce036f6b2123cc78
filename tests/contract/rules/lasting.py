"""What outlives a stack, and what is said of each resource."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.contract.rules.evaluation import Template
from tests.support.template import read

# What a deletion would take data with it of; a queue's messages come again with a new upload.
STATEFUL = {"AWS::DynamoDB::Table", "AWS::KMS::Key", "AWS::Logs::LogGroup", "AWS::S3::Bucket"}
KEPT = {"AWS::DynamoDB::Table", "AWS::S3::Bucket"}
SENTENCES = "Sentences"  # in Metadata, put there by read_with_sentences


def what_holds_data_says_what_becomes_of_it(template: Template) -> Iterator[str]:
    """When its stack goes, or its replacement comes; documents stay."""
    for name, resource in template["Resources"].items():
        for key in ("DeletionPolicy", "UpdateReplacePolicy"):
            policy = resource.get(key)
            if resource["Type"] in STATEFUL and policy is None:
                yield f"{name}: no {key}"
            if resource["Type"] in KEPT and not str(policy).startswith("Retain"):
                yield f"{name}: {key} is {policy}"


def every_resource_has_a_sentence(template: Template) -> Iterator[str]:
    """What a resource is for stands above it."""
    told = template.get("Metadata", {}).get(SENTENCES, {})
    for name in template["Resources"]:
        if not re.fullmatch(r"[A-Z].{10,}\.", told.get(name, "")):
            yield f"{name}: no sentence above it"


def read_with_sentences(root: Path) -> Template:
    """The template, with the comment above each resource in its Metadata."""
    template = read(root)
    text = (root / "template.yaml").read_text()
    _, _, resources = text.partition("\nResources:\n")
    found = re.findall(r"((?:^  #.*\n)+)^  (\w+):\n", resources, re.MULTILINE)
    told = {name: " ".join(re.findall(r"# (.*)", comment)) for comment, name in found}
    return {**template, "Metadata": {**template.get("Metadata", {}), SENTENCES: told}}
