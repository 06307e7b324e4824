# SPDX-License-Identifier: Apache-2.0
"""The console command and what every command shares."""

import importlib.util
import subprocess
import sys

import pytest

import svr3d
from svr3d.cli import main as cli
from svr3d.errors import ConfigError


@pytest.fixture
def command(monkeypatch):
    """Add a command ``toy`` whose ``main`` the test sets."""

    class Module:
        def __init__(self):
            self.main = lambda argv: 0

    module = Module()
    monkeypatch.setitem(sys.modules, "svr3d_toy_command", module)
    monkeypatch.setitem(cli.COMMANDS, "toy", ("svr3d_toy_command", "a toy"))
    monkeypatch.setattr(sys, "argv", ["svr3d"])
    return module


def test_help_names_every_command(capsys):
    assert cli.main(["--help"]) == 0
    text = capsys.readouterr().out
    for name in cli.COMMANDS:
        assert f"  {name} " in text


def test_no_arguments_show_the_help_and_fail(capsys):
    assert cli.main([]) == 2
    assert "usage: svr3d COMMAND" in capsys.readouterr().out


def test_version(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"svr3d {svr3d.__version__}\n"


def test_unknown_command_gives_the_nearest(capsys):
    assert cli.main(["lint-confg"]) == 2
    assert "Did you mean lint-config" in capsys.readouterr().err


def test_arguments_and_exit_code_pass_through(command):
    seen = []
    command.main = lambda argv: seen.append(argv) or 7
    assert cli.main(["toy", "a", "--b"]) == 7
    assert seen == [["a", "--b"]] and sys.argv[0] == "svr3d toy"


@pytest.mark.parametrize("traceback", [False, True])
def test_wrong_input_is_one_message_without_traceback(
    command, capsys, monkeypatch, traceback
):
    monkeypatch.setenv("SVR3D_TRACEBACK", "1" if traceback else "0")

    def fail(argv):
        raise ConfigError("model.depth: expected int, found 'a'")

    command.main = fail
    assert cli.main(["toy"]) == 2
    text = capsys.readouterr().err
    assert ("Traceback" in text) is traceback
    if not traceback:
        assert text == "error: model.depth: expected int, found 'a'\n"


def test_faults_of_the_program_keep_their_traceback(command):
    def fail(argv):
        raise ZeroDivisionError

    command.main = fail
    with pytest.raises(ZeroDivisionError):
        cli.main(["toy"])


def test_interruption_has_its_own_exit_code(command, capsys):
    def interrupt(argv):
        raise KeyboardInterrupt

    command.main = interrupt
    assert cli.main(["toy"]) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_run_exits_with_the_code_of_the_command():
    with pytest.raises(SystemExit) as caught:
        cli.run(lambda argv: 3)
    assert caught.value.code == 3


@pytest.mark.parametrize("name", sorted(cli.COMMANDS))
def test_every_command_has_help_with_an_example(name, capsys):
    module = cli.COMMANDS[name][0]
    if importlib.util.find_spec(module) is None:
        pytest.fail(f"{module} does not exist")
    with pytest.raises(SystemExit) as caught:
        cli.main([name, "--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith("usage: ") and "example" in text.lower()


def test_starting_the_command_imports_nothing_heavy():
    script = (
        "import sys; from svr3d.cli.main import main; main(['--help']);"
        "print([m for m in ('torch', 'mmengine', 'numpy') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60
    )
    assert result.stdout.splitlines()[-1] == "[]"
