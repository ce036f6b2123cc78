"""make fruits-archive: the Python packages and the code of the jobs, as EMR Serverless takes them.

environment.tar.gz is unpacked beside the driver and each worker; its bin/python starts the Python
of the release with the packages of the lock. code.zip goes onto the import path (pyFiles). The same
lock and sources give the same bytes, wherever they are built (with the same zlib).
"""

import argparse
import gzip
import hashlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Self

from packaging.requirements import InvalidRequirement, Requirement

import serving
from serving.errors import ConfigurationError, brief

LOCK, BUILD = Path("requirements/spark-cluster.txt"), Path("build/spark")
# emr-spark-8.0.0 has Python 3.11, 3.12 and 3.13 on Amazon Linux 2023, whose glibc is 2.34.
PYTHON, PYTHONS = "3.11", ("3.11", "3.12", "3.13")
_GLIBC = ("manylinux_2_34", "manylinux_2_28", "manylinux_2_27", "manylinux_2_17", "manylinux2014")
_JOBS = Path(__file__).parents[1]
ENTRY = _JOBS / "main.py"
_PACKAGES = ("cluster", "drawing", "fruits", "scoring")
# What no job imports: tests, headers, tools, servers and services. It would be unpacked each time.
_LEFT_OUT = frozenset(
    {"bin", "__pycache__", "tests", "numpy/f2py", "boto3/data", "boto3/examples",
     "onnxruntime/quantization", "onnxruntime/tools", "onnxruntime/transformers",
     "pyarrow/include", "pyarrow/src"}
)  # fmt: skip
_SUFFIXES = frozenset({".a", ".c", ".cpp", ".h", ".pxd", ".pxi", ".pyi", ".pyx"})
_FLIGHT = ("_flight", "libarrow_flight", "libarrow_python_flight")  # of pyarrow; 35 MB
_OF_PIP = frozenset({"INSTALLER", "RECORD", "REQUESTED", "direct_url.json"})  # name this machine
_SERVICES = frozenset({"s3", "sts"})
_LAUNCHER = """\
#!/bin/sh
# Python {python} of the release, with the packages beside this file before all others.
here=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd) || exit 127
command -v python{python} >/dev/null || {{ echo "there is no python{python} here" >&2; exit 127; }}
export PYTHONPATH="$here/packages${{PYTHONPATH:+:$PYTHONPATH}}" PYTHONNOUSERSITE=1
exec python{python} "$@"
"""


@dataclass(frozen=True, slots=True)
class Built:
    """A file that was built.

    Attributes:
        sha256: of its content, hexadecimal.
    """

    path: Path
    sha256: str
    size_bytes: int

    @classmethod
    def of(cls, path: Path) -> Self:
        """A file as it is."""
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return cls(path, digest, path.stat().st_size)

    def __str__(self) -> str:
        return f"{self.path}: {self.size_bytes / 1e6:,.1f} MB, SHA-256 {self.sha256}"


def build_environment(python: str = PYTHON, *, lock: Path = LOCK, folder: Path = BUILD) -> Built:
    """environment.tar.gz from a hashed lock; not built again while neither lock nor rules change.

    Raises:
        ConfigurationError: no such Python, or a wheel of the lock cannot be had.
    """
    if python not in PYTHONS:
        raise ConfigurationError(f"Python {python} is not in the release: {', '.join(PYTHONS)}")
    target, noted = folder / "environment.tar.gz", folder / "environment.key"
    made_of = lock.read_bytes() + Path(__file__).read_bytes() + python.encode()
    key = hashlib.sha256(made_of).hexdigest()
    if not (target.exists() and noted.exists() and noted.read_text() == key):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as made:
            _install(lock, python, Path(made))
            fresh = Path(made, "fresh.tar.gz")
            _pack(Path(made, "environment"), fresh)
            fresh.replace(target)
        noted.write_text(key)
    return Built.of(target)


def locked_for(python: str, lock: Path) -> Iterator[str]:
    """The lines of a lock that hold for a Python; pip would ask the one that it runs in.

    Raises:
        ConfigurationError: a line that is no requirement.
    """
    environment = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": "linux",
        "platform_machine": "x86_64",
    }
    for line in lock.read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
        stated, _, hashes = line.strip().partition(" --hash=")
        if not stated or stated.startswith("#"):
            continue
        try:
            requirement = Requirement(stated)
        except InvalidRequirement as error:
            raise ConfigurationError(f"{lock}: {stated[:80]}: {brief(error)}") from error
        if requirement.marker is None or requirement.marker.evaluate(environment):
            yield f"{requirement.name}{requirement.specifier} --hash={hashes}"


def _install(lock: Path, python: str, folder: Path) -> None:
    """The wheels for Amazon Linux on x86-64, whatever machine this is; nothing is compiled."""
    chosen, packages = folder / "chosen.txt", folder / "environment" / "packages"
    chosen.write_text("\n".join(locked_for(python, lock)), encoding="utf-8")
    command = [
        sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
        "--no-deps", "--no-compile", "--require-hashes", "--only-binary=:all:",
        f"--python-version={python}", "--implementation=cp",
        *(f"--platform={glibc}_x86_64" for glibc in _GLIBC),
        "--target", str(packages), "--requirement", str(chosen),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        told = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise ConfigurationError(f"pip: {' '.join(told)[:500] or f'ended with {done.returncode}'}")
    launcher = folder / "environment" / "bin" / "python"
    launcher.parent.mkdir()
    launcher.write_text(_LAUNCHER.format(python=python))
    launcher.chmod(0o755)


def _pack(folder: Path, target: Path) -> None:
    """A tar of what is needed, in one order, of nobody and of no time."""
    with (
        target.open("wb") as file,
        gzip.GzipFile("", "wb", 6, file, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar,
    ):
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            name = path.relative_to(folder)
            if name.parts[0] == "packages" and not _is_needed(name.relative_to("packages")):
                continue
            entry = tarfile.TarInfo(name.as_posix())
            entry.size = path.stat().st_size
            entry.mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
            with path.open("rb") as content:
                tar.addfile(entry, content)


def _is_needed(name: PurePath) -> bool:
    parts = name.parts
    if _LEFT_OUT & {*parts[:-1], "/".join(parts[:2])} or name.suffix in _SUFFIXES:
        return False
    if parts[0] == "pyarrow" and name.name.startswith(_FLIGHT):
        return False
    if parts[:2] == ("botocore", "data") and len(parts) > 3:
        return parts[2] in _SERVICES
    return not (parts[0].endswith(".dist-info") and name.name in _OF_PIP)


def build_code(folder: Path = BUILD) -> Built:
    """code.zip: the packages of the jobs, and serving, which they import."""
    roots = [_JOBS / name for name in _PACKAGES if (_JOBS / name).is_dir()]
    roots.append(Path(serving.__path__[0]))
    target = folder / "code.zip"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:  # no zlib: always the same
        for root in sorted(roots, key=lambda root: root.name):
            for path in sorted(path for path in root.rglob("*") if path.is_file()):
                if "__pycache__" in path.parts:
                    continue
                entry = zipfile.ZipInfo(path.relative_to(root.parent).as_posix())
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, path.read_bytes())
    return Built.of(target)


def main() -> int:
    """Build both, and say how large they are."""
    parser = argparse.ArgumentParser(prog="make fruits-archive", description=__doc__)
    parser.add_argument("--python", choices=PYTHONS, default=PYTHON, help="of the release")
    parser.add_argument("--clean", action="store_true", help="build what is there already again")
    args = parser.parse_args()
    if args.clean:
        (BUILD / "environment.key").unlink(missing_ok=True)
    try:
        print(build_environment(args.python))
        print(build_code())
    except ConfigurationError as refusal:
        print(f"refused: {refusal}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
