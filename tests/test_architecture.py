# SPDX-License-Identifier: Apache-2.0
"""The structure of the house: imports run one way, files stay small, nothing leaks."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

# A room may import from itself and from rooms of a lower rank.
RANKS = {
    "errors": 0,
    "registry": 0,
    "io": 1,
    "geometry": 1,
    "ops": 1,
    "structures": 2,
    "renderers": 3,
    "datasets": 4,
    "models": 4,
    "converters": 4,
    "preparation": 5,
    "metrics": 5,
    "analysis": 6,
    "visualization": 6,
    "engine": 7,
    "apis": 8,
    "cli": 9,
}
ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "svr3d").rglob("*.py"))


def imported_rooms(path: Path) -> set[str]:
    """Names of the rooms of svr3d that the file imports, anywhere in it."""
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            package = path.relative_to(ROOT).parent.parts
            base = ".".join(package[: len(package) - node.level + 1])
            module = ".".join(filter(None, (base if node.level else "", node.module)))
            names = [f"{module}.{alias.name}" for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "svr3d" and len(parts) > 1 and parts[1] in RANKS:
                rooms.add(parts[1])
    return rooms


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_run_one_way(path):
    parts = path.relative_to(ROOT / "svr3d").with_suffix("").parts
    if parts == ("__init__",):
        return
    room = parts[0]
    assert room in RANKS, f"{room} is not a room of the design: give it a rank"
    wrong = {
        other
        for other in imported_rooms(path)
        if other != room and RANKS[other] >= max(RANKS[room], 1)
    }
    assert not wrong, f"{path.relative_to(ROOT)} may not import from {sorted(wrong)}"


@pytest.mark.parametrize(
    "path",
    sorted(
        path
        for folder in ("svr3d", "tools", "csrc", "tests", "configs")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".cpp", ".h", ".cu", ".sh"}
        and "build" not in path.relative_to(ROOT).parts
    ),
    ids=lambda p: str(p.relative_to(ROOT)),
)
def test_file_is_small_and_licensed(path):
    lines = path.read_text().splitlines()
    assert len(lines) <= 500, "one idea per file: split it"
    if path.stat().st_size:
        assert any("SPDX-License-Identifier" in line for line in lines[:3])


def test_no_path_of_a_machine_is_tracked():
    listing = subprocess.run(
        ["git", "grep", "-nIE", r"(/root/|/home/[a-z]+/)", "--", ".", ":!tests"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listing.returncode not in (0, 1):
        pytest.skip("not a git checkout")
    assert not re.sub(r"\s", "", listing.stdout), listing.stdout


def test_test_modules_have_names_of_their_own():
    # Folders of tests are no packages, so pytest knows modules by their file's name.
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert not {name for name in names if names.count(name) > 1}
