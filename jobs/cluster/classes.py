"""Java's classes, loaded beforehand: an archive that the embedded Spark maps when it starts.

Java reads, checks and links thousands of classes in the first seconds of each run, always the
same ones. It can keep them in a file, ready to be mapped (class data sharing): a session starts
in little more than half of the time. The file fits one Java and one set of jars; beside others
Java leaves it alone, and a run is slower and nothing else.

    python -m cluster.classes [FILE]
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from serving.errors import ConfigurationError

# It lives and dies with the environment whose jars it is of.
ARCHIVE = Path(sys.prefix, "spark-classes.jsa")
# The last bytes of a file that is whole. Java crashes on one that was cut off.
_WHOLE = b"whole\n"
# By default Java says on standard output why it passes over an archive.
_QUIET = "-Xlog:disable -Xlog:all=error,cds*=off:stderr"
_LONGEST_S = 300


def archive_options(archive: Path = ARCHIVE) -> str:
    """What Java is told to map the archive; nothing where there is none, or a part of one."""
    try:
        with archive.open("rb") as file:
            file.seek(-len(_WHOLE), os.SEEK_END)
            whole = file.read() == _WHOLE
    except OSError:
        return ""
    # Checksums take less than 0.1 s, and without them Java would run classes that are damaged.
    mapped = f'{_QUIET} -XX:+VerifySharedSpaces "-XX:SharedArchiveFile={archive}"'
    return mapped if whole else ""


def recording_options(archive: Path) -> str:
    """What Java is told to write, when it ends, the classes that it used."""
    return f'{_QUIET} "-XX:ArchiveClassesAtExit={archive}"'


def make_archive(archive: Path) -> None:
    """Have a session use what the jobs use, and keep its classes.

    The file is there whole, or as it was before.

    Raises:
        OSError, subprocess.SubprocessError: it could not be made.
    """
    archive.parent.mkdir(parents=True, exist_ok=True)
    # Java archives nothing where a folder with files is on the class path, as that one is.
    env = {name: value for name, value in os.environ.items() if name != "SPARK_CONF_DIR"}
    with tempfile.TemporaryDirectory(dir=archive.parent, prefix=".spark-classes-") as folder:
        fresh = Path(folder, "fresh.jsa")
        # Java writes when it ends, after Python; until then it holds the pipes that are read here.
        done = subprocess.run(
            [sys.executable, "-m", "cluster.training", folder, str(fresh)],
            env=env,
            capture_output=True,
            text=True,
            check=False,
            timeout=_LONGEST_S,
        )
        if done.returncode or not fresh.exists():
            said = (done.stderr or done.stdout).split("\n")
            raise OSError(next((line for line in reversed(said) if line), "Java wrote none"))
        fresh.chmod(0o644)
        with fresh.open("ab") as file:
            file.write(_WHOLE)
        fresh.replace(archive)


def main(arguments: Sequence[str]) -> int:
    """Always 0: without the archive Spark starts slower, and nothing else."""
    # The session asks this module for its options.
    from cluster.session import check_java

    try:
        check_java(os.environ)
        make_archive(Path(*arguments[:1]).absolute() if arguments else ARCHIVE)
    except (ConfigurationError, OSError, subprocess.SubprocessError) as reason:
        print(f"no archive of Spark's classes, it will start slower: {reason}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
