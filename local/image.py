"""make image: the function's image, from wheels that were downloaded against the lock.

The base is AWS's own where it can be pulled, else a minimal Debian made on this machine.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from local.engine import EngineError, apt, run, say, start

AWS_BASE = "public.ecr.aws/lambda/python:3.12"
LOCAL_BASE = "verger-base:bookworm"
TAG = "verger-predict"
WHEELS = Path("build/wheels")
_GROUPS = {"fast": ("predict",), "tensorflow": ("predict", "predict-tensorflow")}
_GLIBC = ("manylinux_2_28", "manylinux_2_27", "manylinux_2_17", "manylinux2014")


def build(base: str, bundle: str, target: str) -> str:
    """Build with the engine's own command; the image's name.

    Args:
        base: an image, or "auto".
        bundle: a folder inside the project.
        target: "fast" or "tensorflow".
    """
    folder = inside(bundle)
    base = prepare(base, target)
    name = f"{TAG}:{target}"
    say(f"building {name} on {base}")
    run(
        [
            "docker", "build", "--quiet", "--file", "functions/predict/Dockerfile", "--tag", name,
            "--target", target, "--build-arg", f"BASE={base}",
            "--build-arg", f"BUNDLE={folder}", ".",
        ]
    )  # fmt: skip
    return name


def prepare(base: str, target: str, *, own_base: bool = True) -> str:
    """An engine, a base and the wheels; returns the base. Sets DOCKER_HOST for what follows.

    Args:
        own_base: whether a base may be made here where AWS's cannot be pulled.
    """
    os.environ["DOCKER_HOST"] = start()
    os.environ.setdefault("DOCKER_BUILDKIT", "0" if not _has_buildkit() else "1")
    base = _base(own=own_base) if base == "auto" else base
    python = run(
        ["docker", "run", "--rm", "--entrypoint", "python3", base, "-c",
         "import sys; print('%d.%d' % sys.version_info[:2])"]
    ).strip()  # fmt: skip
    for group in _GROUPS[target]:
        _download(group, python)
    return base


def inside(bundle: str) -> str:
    """The bundle's path as the build sees it.

    Raises:
        EngineError: it is outside of the project, where a build cannot reach.
    """
    path = Path(bundle).resolve()
    if path.is_file():
        raise EngineError(f"{bundle} is a file, expected a bundle: make model MODEL={bundle}")
    if not (path / "passport.json").is_file():
        raise EngineError(f"no model bundle in {bundle} (make model writes to bundles/)")
    if not path.is_relative_to(Path.cwd()):
        raise EngineError(f"{bundle} is outside of {Path.cwd()}, where a build cannot reach it")
    return str(path.relative_to(Path.cwd()))


def _has_buildkit() -> bool:
    return subprocess.run(["docker", "buildx", "version"], capture_output=True).returncode == 0


def _base(*, own: bool) -> str:
    for name in (AWS_BASE, LOCAL_BASE) if own else (AWS_BASE,):
        if run(["docker", "images", "--quiet", name]).strip():
            return name
    pulled = subprocess.run(["docker", "pull", "--quiet", AWS_BASE], capture_output=True)
    if pulled.returncode == 0:
        return AWS_BASE
    if not own:
        raise EngineError(f"{AWS_BASE} cannot be pulled: name the base with BASE=image")
    return make_base()


def make_base() -> str:
    """A minimal Debian with Python, from Debian's own packages.

    Raises:
        EngineError: not root on Debian, or debootstrap failed.
    """
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise EngineError(
            f"{AWS_BASE} cannot be pulled, and a base of our own needs root on Debian: "
            "name one with BASE=image"
        )
    say(f"{AWS_BASE} cannot be pulled: making a minimal Debian as base (about a minute)")
    if not shutil.which("debootstrap"):
        apt("debootstrap")
    with tempfile.TemporaryDirectory(dir="build") as folder:
        root = str(Path(folder, "root"))
        run(
            ["debootstrap", "--variant=minbase",
             "--include=python3,python3-pip,python3-venv,ca-certificates", "bookworm", root]
        )  # fmt: skip
        with subprocess.Popen(["tar", "-C", root, "-c", "."], stdout=subprocess.PIPE) as tar:
            subprocess.run(
                ["docker", "import", "-", LOCAL_BASE],
                stdin=tar.stdout,
                check=True,
                capture_output=True,
            )
    return LOCAL_BASE


def _download(group: str, python: str) -> None:
    """The locked wheels for the base's Python; pip on this machine knows its mirror."""
    lock, folder = Path(f"requirements/{group}.txt"), WHEELS / group
    stamp = folder / f".python{python}"
    if stamp.exists() and stamp.stat().st_mtime >= lock.stat().st_mtime:
        return
    say(f"downloading the wheels of {lock} for Python {python}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    platforms = [f"--platform={glibc}_{os.uname().machine}" for glibc in _GLIBC]
    run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes",
         "--only-binary=:all:", f"--python-version={python}", *platforms,
         "--dest", str(folder), "--requirement", str(lock)]
    )  # fmt: skip
    stamp.touch()


def main() -> int:
    """Build one image."""
    parser = argparse.ArgumentParser(prog="make image", description=__doc__)
    parser.add_argument("--base", default="auto")
    parser.add_argument("--bundle", default="models/demo/bundle")
    parser.add_argument("--target", choices=tuple(_GROUPS), default="fast")
    args = parser.parse_args()
    try:
        print(build(args.base, args.bundle, args.target))
        say("it waits for Lambda's runtime; make local puts one around it")
    except EngineError as refusal:
        say(str(refusal))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
