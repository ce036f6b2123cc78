"""docs/operations/: the commands of its pages are run, and what the pages name is there."""

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from client.service import Form
from client.upload import send
from local.aws import Aws
from local.stage import Stage
from predict.telemetry.facts import Facts
from predict.telemetry.lines import Reporter
from predict.telemetry.start import Function
from tests.support.account import Account, account, create_stack, deploy_version
from tests.support.models import heavy
from tests.support.processes import environment
from tests.support.servers import serve
from tests.support.template import read

PAGES = Path(__file__).parents[2] / "docs/operations"
TRIED, NOT_TRIED = "*Tried by the tests", "ot tried"
# Generated, or about what is done once and by hand.
OTHERS = {"supply-chain.md", "cost.md"}
BLOCK = re.compile(r"(?P<before>[^\n]*)\n\n *```console\n(?P<body>.*?)```", re.DOTALL)
# Of lines that the service writes, and of CloudWatch itself.
OF_CLOUDWATCH = {"@timestamp"}
WORDS = {"fields", "filter", "stats", "sort", "limit", "desc", "by", "count", "pct", "avg", "bin"}


def commands(page: str, marker: str = TRIED) -> list[list[str]]:
    """The blocks of a page that are marked so, as commands."""
    text = (PAGES / page).read_text(encoding="utf-8")
    return [
        re.findall(r"^ *\$ (.*)$", found["body"], re.MULTILINE)
        for found in BLOCK.finditer(text)
        if marker in found["before"]
    ]


def run(root: Path, command: str, **env: str) -> str:
    """A command of a page, as somebody types it; the environment of make is that of the tests."""
    cleared = {name: text for name, text in environment().items() if "AWS_" not in name}
    flags = "RUN=build/env/test --no-print-directory"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=root,
        env=cleared | {"MAKEFLAGS": flags} | env,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(autouse=True)
def _environments(root: Path) -> None:
    if not all((root / f"build/env/{name}/.ready").exists() for name in ("test", "aws")):
        pytest.skip("these need the environments that make test makes")


@pytest.fixture
def here() -> Iterator[Account]:
    """An account with the stack of `dev`, deployed twice."""
    with Aws() as aws, account(aws) as here:
        create_stack(aws, Stage.read("dev").stack)
        for function in here.aws.client("lambda").list_functions()["Functions"]:
            for number in (1, 2):
                deploy_version(aws, function["FunctionName"], number)
        yield here


def aws_env(here: Account) -> dict[str, str]:
    return {name: text for name, text in here.env().items() if "AWS_" in name}


def test_every_command_says_whether_it_was_tried() -> None:
    for path in sorted(PAGES.glob("*.md")):
        if path.name in OTHERS:
            continue
        text = path.read_text(encoding="utf-8")
        assert text.count("```console") == len(list(BLOCK.finditer(text))), path.name
        for found in BLOCK.finditer(text):
            before = found["before"]
            assert (TRIED in before) != (NOT_TRIED in before), f"{path.name}: {before}"


def test_deploy_begins_with_a_check(root: Path, here: Account) -> None:
    [[preflight]] = commands("deploy.md")
    said = run(root, preflight, **aws_env(here))
    assert "credentials: account 123456789012" in said
    assert "0 to mend" in said


def test_roll_back(root: Path, here: Account) -> None:
    [[listed, roll_back]] = commands("roll-back.md")
    assert "serves" in run(root, listed, **aws_env(here))
    said = run(root, roll_back, **aws_env(here))
    assert "predict went from version 2 to 1" in said
    assert "batch went from version 2 to 1" in said


def test_redrive(root: Path, here: Account) -> None:
    sqs = here.aws.client("sqs")
    dead = next(url for url in sqs.list_queues()["QueueUrls"] if "DeadLetters" in url)
    body = json.dumps({"Records": [{"s3": {"object": {"key": "uploads/x"}}}]})
    sqs.send_message(QueueUrl=dead, MessageBody=body)
    [[look], [redrive]] = commands("redrive.md")
    assert "verger-dev: 1 set aside" in run(root, look, **aws_env(here))
    sqs.purge_queue(QueueUrl=dead)  # looking hides for a minute
    sqs.send_message(QueueUrl=dead, MessageBody=body)
    assert "verger-dev: 1 brought back" in run(root, redrive, **aws_env(here))


def test_rotate_a_model(root: Path, tmp_path: Path) -> None:
    heavy(tmp_path)
    document = tmp_path / "sample.xml"
    values = " ".join(["0.5"] * 400)
    document.write_text(f"<matrices><matrix>{values}</matrix></matrices>")
    other = tmp_path / "other"
    other.mkdir()
    [rehearsal, [verify]] = commands("rotate-a-model.md")
    env = {"OLD": str(tmp_path / "bundle"), "NEW": str(another(other)), "DOCUMENT": str(document)}
    run(root, "\n".join(rehearsal).replace("old.json", f"{tmp_path}/old.json").replace(
        "new.json", f"{tmp_path}/new.json"), **env)  # fmt: skip
    verify = verify.replace("build/env/run/bin/python", sys.executable)
    assert "whole, engine" in run(root, verify, **env)


def another(folder: Path) -> Path:
    """A bundle of the same shape, with other weights: another model."""
    import keras

    from compiler.bundling import Order, build

    network = keras.Sequential([keras.Input((400, 1)), keras.layers.Flatten()])
    network.add(keras.layers.Dense(2))
    network.save(folder / "model.h5")
    build(Order(folder / "model.h5", folder / "bundle", "another"))
    return folder / "bundle"


def test_erase(root: Path, bundle: Path, tmp_path: Path) -> None:
    [[by_client], [by_id]] = commands("erase.md")
    with serve(root, bundle) as url:
        out = tmp_path / "result.json"
        run(root, by_client.replace("result.json", str(out)), URL=url)
        assert [p["id"] for p in json.loads(out.read_text())["predictions"]]
        form = json.loads(run(root, f"curl -sf -X POST {url}/uploads"))
        upload = form["upload"]
        place = Form(form["id"], upload["url"], tuple(upload["fields"].items()), "file", 10**9)
        send(place, io.BytesIO(b"<matrices/>"), 11, lambda _: None)
        run(root, by_id, URL=url, ID=form["id"])
        status = f"curl -s -o /dev/null -w '%{{http_code}}' {url}/predictions/{form['id']}"
        assert run(root, status) == "404"


def test_cost_of_every_customer(root: Path) -> None:
    text = (PAGES / "cost.md").read_text(encoding="utf-8")
    found = re.findall(r"(?:^\$ |^`)(make cost [A-Z_a-z0-9=. -]+)", text, re.MULTILINE)
    assert len(found) >= 8
    for command in found:
        assert "| batch | " in run(root, command)


def test_alarms_are_all_explained(root: Path) -> None:
    page = (PAGES / "alarms.md").read_text(encoding="utf-8")
    resources = read(root)["Resources"]
    alarms = {n for n, r in resources.items() if r["Type"] == "AWS::CloudWatch::Alarm"}
    assert set(re.findall(r"^## (\w+Alarm)$", page, re.MULTILINE)) == alarms
    named = set(re.findall(r"`(\w+(?:Alarm|Logs|Topic|Function))`", page))
    assert named <= resources.keys()


@pytest.mark.parametrize("page", sorted(path.name for path in PAGES.glob("*.md")))
def test_parameters_that_a_page_names_are_there(root: Path, page: str) -> None:
    """And the resources and outputs; the jobs have a template of their own."""
    template = read(root / "jobs" if page == "fruits.md" else root)
    known = {*template["Parameters"], *template["Resources"], *template["Outputs"]}
    text = (PAGES / page).read_text(encoding="utf-8")
    known |= {"Failures", "Requests", "ColdStartMs", "ForbiddenError", "UnavailableError"}
    known |= set(template["Parameters"].get("Deployment", {}).get("AllowedValues", []))
    for name in re.findall(r"`([A-Z][a-z]+(?:[A-Z][a-z]+)+)(?:=\d+)?`", text):
        assert name in known, name


def test_queries_ask_for_fields_that_are_written() -> None:
    """Each line that the service can write, with everything in it."""
    lines: list[str] = []
    env = {"POWERTOOLS_SERVICE_NAME": "x-predict", "POWERTOOLS_METRICS_NAMESPACE": "Verger"}
    parts = ("Import", "Engine", "Golden", "WarmUp")
    start = {"ColdStartMs": 1.0} | {f"ColdStart{part}Ms": 1.0 for part in parts}
    reporter = Reporter(Function.from_env(os.environ | env), start, lines.append)
    for status, outcome in ((422, None), (None, "failed")):
        facts = Facts(status=status, outcome=outcome, reason="invalid", errors=["x"])
        facts.request_id, facts.route, facts.document = "r", "POST /predictions", "h"
        facts.receives = facts.document_bytes = facts.answer_bytes = 1
        reporter.report(facts)
    line: dict[str, Any] = json.loads(lines[0]) | json.loads(lines[1])
    page = (PAGES / "alarms.md").read_text(encoding="utf-8")
    queries = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    assert len(queries) >= 5
    for query in queries:
        bare = re.sub(r'"[^"]*"', "", query)
        for word in set(re.findall(r"@?[A-Za-z_]{2,}", bare)) - WORDS - OF_CLOUDWATCH:
            assert word in line, f"{word} in {query}"
