"""The template as it is written, and as SAM translates it."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.template import read

# As CloudFormation does it, by the translator that sam itself uses.
TRANSFORM = """
import json, sys, boto3
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
template = yaml_parse(open(sys.argv[1]).read())
for resource in template["Resources"].values():
    if resource["Type"] == "AWS::Serverless::Function":
        resource["Properties"]["ImageUri"] = "1.dkr.ecr.eu-west-3.amazonaws.com/x:latest"
session = boto3.Session(region_name="eu-west-3")
print(json.dumps(Translator({}, Parser(), boto_session=session).translate(template, {})))
"""


@pytest.fixture(scope="session")
def template(root: Path) -> dict[str, Any]:
    return read(root)


@pytest.fixture(scope="session")
def transformed(root: Path) -> dict[str, Any]:
    python = root / "build/env/sam/bin/python"
    if not python.exists():
        pytest.skip("sam is not installed (make validate does it)")
    done = subprocess.run(
        [python, "-I", "-c", TRANSFORM, "template.yaml"], cwd=root, capture_output=True, check=True
    )
    content: dict[str, Any] = json.loads(done.stdout)
    return content
