"""What is written twice in this project is the same: imports, locks, commands, pages."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from serving.settings import Limits

# Package → what it may import of ours. Data flows one way, and so do imports.
ALLOWED = {
    "layers/serving/python/serving": {"serving"},
    "functions/predict": {"predict", "serving"},
    "models/compiler": {"compiler", "serving"},
    "models/demo": {"demo", "compiler", "serving"},
    "local": {"local", "predict", "serving"},
    "client": {"client"},
    "jobs/cluster": {"cluster", "serving"},
    "jobs/drawing": {"drawing"},
    "jobs/fruits": {"fruits", "cluster", "drawing", "compiler", "serving"},
    "jobs/scoring": {"scoring", "cluster", "serving"},
    "jobs/emr": {"emr", "cluster", "fruits", "serving"},
}
OURS = {
    "cluster",
    "drawing",
    "fruits",
    "scoring",
    "emr",
    "client",
    "serving",
    "predict",
    "compiler",
    "demo",
    "local",
    "tests",
    "bench",
}
# Inside the core: each may import those before it.
LAYERS = [
    ("errors", "signature"),
    ("settings",),
    ("documents", "passport"),
    ("bundle", "hdf5"),
    ("engines",),
    ("model",),
    ("streaming",),
]
EDGES = {"fastapi", "starlette", "mangum", "boto3", "botocore", "awslambdaric"}
TENSORFLOW = {"tensorflow", "keras", "tf_keras"}


def imports(path: Path) -> set[str]:
    """Full names of the modules that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found.add(node.module or "")
    return found


def files(root: Path, folder: str) -> list[Path]:
    return sorted((root / folder).rglob("*.py"))


@pytest.mark.parametrize("folder", ALLOWED)
def test_imports_point_one_way(root: Path, folder: str) -> None:
    for path in files(root, folder):
        ours = {name.partition(".")[0] for name in imports(path)} & OURS
        assert ours <= ALLOWED[folder], path


def test_the_core_is_layered_and_knows_no_edge(root: Path) -> None:
    rank = {name: level for level, names in enumerate(LAYERS) for name in names}
    core = root / "layers/serving/python/serving"
    for path in files(root, "layers/serving/python/serving"):
        name = path.relative_to(core).parts[0].removesuffix(".py")
        assert not {n.partition(".")[0] for n in imports(path)} & EDGES, path
        if name == "__init__":
            continue
        for imported in imports(path):
            if imported.startswith("serving.") and (other := imported.split(".")[1]) != name:
                assert rank[other] < rank[name] or {name, other} == {"errors", "signature"}, path


def test_tensorflow_is_imported_in_one_place(root: Path) -> None:
    for folder in ("layers", "functions", "local"):
        for path in files(root, folder):
            if {name.partition(".")[0] for name in imports(path)} & TENSORFLOW:
                assert path.name == "loading.py", path


def test_a_cluster_needs_no_tensorflow(root: Path) -> None:
    """Whatever imports Keras or the compiler does so when it is called, on the user's machine."""
    for folder in (f for f in ALLOWED if f.startswith("jobs/")):
        for path in files(root, folder):
            first = {
                name.partition(".")[0]
                for node in ast.parse(path.read_text()).body
                if isinstance(node, ast.Import | ast.ImportFrom)
                for name in (
                    [alias.name for alias in node.names]
                    if isinstance(node, ast.Import)
                    else [node.module or ""]
                )
            }
            assert not first & (TENSORFLOW | {"compiler", "h5py", "onnx"}), path


def test_only_the_handler_reads_the_environment(root: Path) -> None:
    for path in files(root, "functions"):
        if "os.environ" in path.read_text():
            assert path.name == "handler.py", path


def test_modules_and_functions_stay_small(root: Path) -> None:
    for folder in ALLOWED:
        for path in files(root, folder):
            text = path.read_text()
            assert len(text.splitlines()) <= 300, path
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    assert (node.end_lineno or 0) - node.lineno < 45, f"{path}: {node.name}"


def test_locks_are_hashed_and_hold_no_address(root: Path) -> None:
    groups = tomllib.loads((root / "pyproject.toml").read_text())["dependency-groups"]
    locks = {path.stem: path.read_text() for path in (root / "requirements").glob("*.txt")}
    assert set(locks) == set(groups) | {"emulator"}
    for name, text in locks.items():
        assert not re.search(r"https?:|file:|--index|--find-links|--extra", text), name
        pinned = re.split(r"\n(?=\S)", text.strip())
        assert all("==" in line and "--hash=sha256:" in line for line in pinned), name


def test_the_fast_image_has_no_tensorflow(root: Path) -> None:
    for name in ("predict", "run", "spark-cluster"):
        text = (root / f"requirements/{name}.txt").read_text()
        assert not re.search(r"^(tensorflow|keras|tf-keras|h5py|onnx=)", text, re.MULTILINE)


@pytest.fixture(scope="module")
def targets(root: Path) -> set[str]:
    return set(re.findall(r"^([a-z-]+):.*##", (root / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize(
    "page",
    ["README.md", ".ci/run", ".github/workflows/ci.yaml", "docs", "CHANGELOG.md", "jobs/README.md"],
)
def test_commands_that_are_written_down_exist(root: Path, targets: set[str], page: str) -> None:
    path = root / page
    pages = sorted(path.rglob("*.md")) if path.is_dir() else [path]
    for page_path in pages:
        for target in re.findall(
            r"(?:^|`|\$ |run: )make (?:-s )?([a-z-]+)", page_path.read_text(), re.M
        ):
            assert target in targets, f"{page_path}: make {target}"


def test_make_alone_lists_the_targets(root: Path, targets: set[str]) -> None:
    listed = subprocess.run(["make"], cwd=root, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"^  make ([a-z-]+) ", listed, re.MULTILINE)) == targets


def test_settings_are_documented(root: Path) -> None:
    page = (root / "docs/settings.md").read_text()
    code = (root / "layers/serving/python/serving/settings.py").read_text()
    names = set(re.findall(r'env(?:\.get\(|, )"([A-Z_]+)"', code))
    names |= {f"LIMIT_{name.upper()}" for name in Limits.__dataclass_fields__}
    assert "MODEL_DIR" in names
    for name in names:
        assert f"`{name}`" in page, name
    for name, field in Limits.__dataclass_fields__.items():
        assert f"| `LIMIT_{name.upper()}` | {field.default:,} |" in page, name


def test_links_between_pages_work(root: Path) -> None:
    for path in [
        root / "README.md",
        root / "CHANGELOG.md",
        root / "jobs/README.md",
        *(root / "docs").rglob("*.md"),
    ]:
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text()):
            assert (path.parent / link).exists(), f"{path}: {link}"


def test_no_page_holds_a_machine_path(root: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        check=True,
    ).stdout.decode()
    for name in filter(None, listed.split("\0")):
        path = root / name
        if path.is_file() and path.suffix in {".md", ".py", ".txt", ".toml", ".yaml", ".json"}:
            assert not re.search(r"/(?:root|home|work)/(?!\{)", path.read_text()), name
