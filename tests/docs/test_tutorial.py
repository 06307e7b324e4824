# SPDX-License-Identifier: Apache-2.0
"""The tutorial on plugins: its files are written and its commands run, in order.

A block with ``title="NAME"`` is a file. In a console block the lines with ``$`` are
commands, and each other line must occur in what they print, in this order.
"""

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks_of(text):
    """Return (language, attributes, body) of each fenced block."""
    return [
        (language, dict(re.findall(r'(\w+)="?([^"\s]*)"?', attributes)), body)
        for language, attributes, body in FENCE.findall(text)
    ]


class Shell:
    """Runs the commands of the page in one folder, with an environment that lasts."""

    def __init__(self, folder: Path, repository: Path):
        self.folder, self.site = folder / "page", folder / "site"
        programs = folder / "programs"
        for path in (self.folder, self.site, programs):
            path.mkdir()
        # As the console script of an installation: the folder of the page is not on
        # the path, what pip installed is.
        self.make_program(
            programs / "svr3d",
            "import site, sys\n"
            f"sys.path.append({str(repository)!r})\n"
            f"site.addsitedir({str(self.site)!r})\n"
            "from svr3d.cli.main import entry_point\n"
            "if __name__ == '__main__':\n"
            "    entry_point()\n",
        )
        # Installs beside the environment of the tests, not into it.
        self.make_program(
            programs / "pip",
            "import subprocess, sys\n"
            "command, *rest = sys.argv[1:]\n"
            "pip = [sys.executable, '-m', 'pip', '--disable-pip-version-check']\n"
            f"target = ['--target', {str(self.site)!r}]\n"
            "sys.exit(subprocess.call([*pip, command, *target, *rest]))\n",
        )
        self.environment = {
            **os.environ,
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": "",
            "OMP_NUM_THREADS": "1",
            "CUDA_VISIBLE_DEVICES": "",
        }

    @staticmethod
    def make_program(path: Path, source: str):
        """Write a Python program that this interpreter runs."""
        path.write_text(f"#!{sys.executable}\n{source}")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def run(self, command: str) -> subprocess.CompletedProcess:
        """Run one command; ``export`` lasts."""
        match = re.fullmatch(r"export (\w+)=(.*)", command)
        if match:
            value = match[2].replace("$PWD", str(self.folder))
            self.environment[match[1]] = value
            return subprocess.CompletedProcess(command, 0, "", "")
        return subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=150,
        )


@pytest.mark.slow
def test_the_page_does_what_it_says(repository, tmp_path):
    page = repository / "docs" / "tutorials" / "write_a_plugin.md"
    shell = Shell(tmp_path, repository)
    commands = 0
    for language, attributes, body in blocks_of(page.read_text()):
        if "title" in attributes:
            (shell.folder / attributes["title"]).write_text(body)
            continue
        assert language == "console", f"a block that no test runs:\n{body}"
        printed, place = "", 0
        for line in body.splitlines():
            if line.startswith("$ "):
                result = shell.run(line[2:])
                printed, place = result.stdout, 0
                expected = int(attributes.get("exit", 0))
                assert result.returncode == expected, f"{line}\n{printed}"
                commands += 1
            else:
                found = printed.find(line.strip(), place)
                assert found >= 0, f"{line!r} is not in what was printed:\n{printed}"
                place = found
    assert commands >= 8
    assert list((shell.folder / "work").rglob("*.pth"))
    # Found by its entry point alone: the page's folder is not on the path here.
    shell.environment["PYTHONPATH"] = ""
    result = subprocess.run(
        ["bash", "-c", "svr3d list-registry PatchEncoder"],
        cwd=tmp_path,
        env=shell.environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert str(shell.site / "my_parts.py") in result.stdout


def test_files_of_the_page_parse(repository):
    """Quick: what the slow test writes is Python that compiles."""
    page = (repository / "docs" / "tutorials" / "write_a_plugin.md").read_text()
    files = {
        attributes["title"]: body
        for _, attributes, body in blocks_of(page)
        if "title" in attributes
    }
    assert set(files) == {
        "my_parts.py",
        "my_config.py",
        "my_config_by_name.py",
        "pyproject.toml",
    }
    for name, body in files.items():
        if name.endswith(".py"):
            compile(body, name, "exec")
