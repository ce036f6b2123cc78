"""Checks a bundle's files against its passport, where it enters an image or a store.

`python -m serving.bundle FOLDER` says whether a bundle is whole; a cold start does not repeat
this: there the golden pair is run instead, which does not read a gigabyte twice.
"""

import hashlib
import stat
import sys
from pathlib import Path

from serving.errors import ModelRefusedError, ServingError
from serving.passport import COMPILED, SOURCE, Passport, read_passport


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file in hexadecimal.

    Raises:
        ModelRefusedError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as cause:
        raise ModelRefusedError(f"{path}: {cause.strerror}") from cause


def verify(bundle: Path) -> Passport:
    """Check that the bundle holds the files that its passport describes.

    Raises:
        ModelRefusedError: a file is missing or is another one.
    """
    passport = read_passport(bundle)
    stated = {SOURCE: passport.source.sha256}
    if passport.compiled is not None:
        stated[COMPILED] = passport.compiled.sha256
    elif passport.engine == "onnx":
        raise ModelRefusedError(f"{bundle}: the passport names the engine onnx, but no {COMPILED}")
    for name, expected in stated.items():
        _check_readable(bundle / name)
        if (actual := sha256_of(bundle / name)) != expected:
            raise ModelRefusedError(
                f"{bundle / name}: expected SHA-256 {expected[:12]}…, got {actual[:12]}…: "
                "the file was changed or damaged; run make model again"
            )
    return passport


def _check_readable(path: Path) -> None:
    """By Lambda's user, who is nobody we know."""
    if path.exists() and not path.stat().st_mode & stat.S_IROTH:
        raise ModelRefusedError(f"{path}: not readable by all: chmod -R a+rX {path.parent}")


if __name__ == "__main__":
    try:
        whole = verify(Path(sys.argv[1]))
    except ServingError as refusal:
        sys.exit(f"refused: {refusal}")
    print(f"{whole.name} {whole.version}: whole, engine {whole.engine}")
