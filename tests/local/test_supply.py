"""The bill of materials and the audit: of the real tools, against what the locks say."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from local.audit import AuditError, read_accepted
from local.contents import Contents, Distribution, SystemPackage
from local.locks import Locked, LockError, read_lock
from local.sbom import Commit, SbomError, describe
from tests.support.processes import environment

_PYTHON = Path("build/env/supply/bin/python")
GROUPS = ["predict", "predict-tensorflow"]
HASH = "ab" * 32
LOCK = f"""six==1.17.0 \\
    --hash=sha256:{HASH}
idna==3.20 ; sys_platform == 'linux' \\
    --hash=sha256:{HASH}
"""
TODAY = datetime.now(UTC).date()
WEEK = timedelta(days=7)


def run(root: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """A program of ours, in the environment that has the tools."""
    if not (root / _PYTHON).exists():
        pytest.skip("this needs the environment that make sbom makes (build/env/supply)")
    return subprocess.run(
        [root / _PYTHON, "-m", *arguments],
        cwd=root,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )


@contextmanager
def vulnerabilities(answers: dict[str, Any]) -> Iterator[str]:
    """A service that speaks OSV's protocol and knows these packages; its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            known = answers.get(query["package"]["name"])
            body = json.dumps({} if known is None else {"vulns": [known]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1/query"
        finally:
            server.shutdown()
            thread.join()


IDNA = {
    "id": "PYSEC-2099-1",
    "aliases": ["CVE-2099-1"],
    "summary": "an address that takes a day to read",
    "affected": [
        {
            "package": {"name": "idna", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.21"}]}],
        }
    ],
}


@pytest.mark.parametrize(
    ("known", "accepted", "status", "said"),
    [
        pytest.param({}, "", 0, "2 packages were looked up: 0 known", id="nothing known"),
        pytest.param(
            {"idna": IDNA},
            "",
            1,
            "known against idna 3.20: PYSEC-2099-1 CVE-2099-1; fixed in 3.21",
            id="found",
        ),
        pytest.param(
            {"idna": IDNA},
            f"CVE-2099-1 {TODAY + WEEK} we read no addresses",
            0,
            "0 known vulnerabilities, 1 accepted",
            id="accepted by an alias",
        ),
        pytest.param(
            {"idna": IDNA},
            f"CVE-2099-1 {TODAY - WEEK} we read no addresses",
            1,
            "no longer accepted since",
            id="no longer accepted",
        ),
        pytest.param(
            {},
            f"CVE-2099-1 {TODAY + WEEK} we read no addresses",
            0,
            "accepted, and not found any more: CVE-2099-1",
            id="accepted for nothing",
        ),
        pytest.param({}, "CVE-2099-1 soon", 2, "line 1: expected an id", id="no date"),
    ],
)
def test_audit_reports(
    root: Path, tmp_path: Path, known: dict[str, Any], accepted: str, status: int, said: str
) -> None:
    lock, list_, out = (tmp_path / name for name in ("lock.txt", "accepted.txt", "audit.json"))
    lock.write_text(LOCK)
    list_.write_text(accepted)
    with vulnerabilities(known) as url:
        done = run(
            root, "local.audit", str(lock), "--service", "osv", "--osv-url", url,
            "--accepted", str(list_), "--out", str(out),
        )  # fmt: skip
    assert done.returncode == status, done.stderr
    assert said in done.stdout + done.stderr
    if status == 1:
        [found] = json.loads(out.read_bytes())["found"]
        assert (found["package"], found["fixed_in"]) == ("idna", ["3.21"])


def test_audit_never_calls_sound_what_it_could_not_ask(root: Path, tmp_path: Path) -> None:
    lock, out = tmp_path / "lock.txt", tmp_path / "audit.json"
    lock.write_text(LOCK)
    with vulnerabilities({}) as gone:
        pass
    done = run(
        root, "local.audit", str(lock), "--service", "osv", "--osv-url", gone, "--out", str(out)
    )
    assert done.returncode == 3
    assert "0 packages were looked up" in done.stdout
    assert "1 COULD NOT BE LOOKED UP" in done.stdout
    report = json.loads(out.read_bytes())
    assert (report["status"], report["nothing_known"]) == ("not audited", [])


def test_what_we_live_with_is_a_list(tmp_path: Path) -> None:
    assert read_accepted(tmp_path / "none") == []
    file = tmp_path / "accepted.txt"
    file.write_text("# why\n\nCVE-1 2027-01-31 not reached # at all\n")
    [given] = read_accepted(file)
    assert (given.id, str(given.until), given.reason) == ("CVE-1", "2027-01-31", "not reached ")
    file.write_text("CVE-1 31.1.2027 not reached\n")
    with pytest.raises(AuditError, match="line 1"):
        read_accepted(file)


@pytest.mark.parametrize("group", GROUPS)
def test_locks_say_what_is_installed(root: Path, group: str) -> None:
    text = (root / f"requirements/{group}.txt").read_text()
    locked = read_lock(root / f"requirements/{group}.txt", "3.12")
    stated = [line for line in text.splitlines() if not line.startswith(" ")]
    assert len(locked) == len({given.name for given in locked}) == len(stated)
    assert sum(len(given.hashes) for given in locked) == text.count("--hash=sha256:")
    assert "://" not in text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("six==1.17.0\n", id="no hash"),
        pytest.param(f"six>=1 --hash=sha256:{HASH}\n", id="no version"),
        pytest.param(f"https://example.org/six.whl --hash=sha256:{HASH}\n", id="a URL"),
    ],
)
def test_a_lock_that_leaves_something_open_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "lock.txt"
    file.write_text(text)
    with pytest.raises(LockError):
        read_lock(file, "3.12")


@pytest.mark.parametrize("target", ["fast", "tensorflow"])
def test_sbom_has_every_locked_package(root: Path, tmp_path: Path, target: str) -> None:
    out = tmp_path / "sbom.json"
    done = run(root, "local.sbom", "--target", target, "--out", str(out), "--lock-only")
    assert done.returncode == 0, done.stderr
    text = out.read_text()
    bill = json.loads(text)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    group = {"fast": "predict", "tensorflow": "predict-tensorflow"}[target]
    listed = {
        (part["name"], part["version"], frozenset(each["content"] for each in part["hashes"]))
        for part in bill["components"]
        if part["type"] == "library"
    }
    locked = read_lock(root / f"requirements/{group}.txt", "3.12")
    assert listed == {(given.name, given.version, given.hashes) for given in locked}
    assert bill["compositions"][0]["aggregate"] == "incomplete"
    passport = json.loads((root / "models/demo/bundle/passport.json").read_bytes())
    [model] = [part for part in bill["components"] if part["type"] == "machine-learning-model"]
    assert model["hashes"][0]["content"] == passport["source"]["sha256"]
    for place in (str(root), str(Path.home()), "pypi.org", "simple/"):
        assert place not in text


LOCKED = [Locked("six", "1.17.0", frozenset({HASH}))]
SIX = Distribution("six", "1.17.0", is_ours=True, licences=("MIT",))
PASSPORT = {"name": "m", "version": "1", "engine": "onnx", "source": {"sha256": HASH}}


def holding(*distributions: Distribution, **more: Any) -> Contents:
    given = {
        "python": "3.12",
        "base": "registry.example.com:5000/team/python:3.12@sha256:" + HASH,
        "base_digest": f"sha256:{HASH}",
        "kind": "rpm",
        "os": {"ID": "amzn", "VERSION_ID": "2023"},
    }
    return Contents(**(given | more), distributions=list(distributions))


def test_sbom_has_what_the_base_brings() -> None:
    pip = Distribution("pip", "23.0", is_ours=False)
    system = [SystemPackage("glibc", "1:2.34-1+a", "x86_64")]
    bill = describe(LOCKED, PASSPORT, holding(SIX, pip, system=system), Commit())
    by_name = {part["name"]: part for part in bill["components"]}
    assert by_name["six"]["licenses"] == [{"license": {"name": "MIT"}}]
    assert by_name["pip"]["properties"] == [{"name": "verger:origin", "value": "base"}]
    assert by_name["glibc"]["purl"] == (
        "pkg:rpm/amzn/glibc@2.34-1%2Ba?arch=x86_64&distro=amzn-2023&epoch=1"
    )
    assert (by_name["team/python"]["version"], by_name["amzn"]["version"]) == ("3.12", "2023")
    assert by_name["team/python"]["hashes"] == [{"alg": "SHA-256", "content": HASH}]
    assert "example.com" not in json.dumps(bill)
    assert bill["compositions"][0]["aggregate"] == "complete"
    again = describe(LOCKED, PASSPORT, holding(SIX, pip, system=system), Commit())
    assert again["serialNumber"] == bill["serialNumber"]


@pytest.mark.parametrize(
    "distributions",
    [
        pytest.param([], id="one is missing"),
        pytest.param([SIX, Distribution("left-pad", "1.0", is_ours=True)], id="one too many"),
        pytest.param([Distribution("six", "1.16.0", is_ours=True)], id="another version"),
    ],
)
def test_sbom_refuses_an_image_that_is_not_its_lock(distributions: list[Distribution]) -> None:
    with pytest.raises(SbomError, match="the image and its lock differ"):
        describe(LOCKED, PASSPORT, holding(*distributions), Commit())
