# SPDX-License-Identifier: Apache-2.0
"""The two commands: exit codes, output, kills and resumption."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import trimesh
from small_builds import SMALL, tree

from svr3d.cli import build_dataset, make_synthetic
from svr3d.cli.main import call

OPTIONS = [
    part
    for name, value in SMALL.items()
    for part in (f"--{name.replace('_', '-')}", str(value))
]


def test_build_prints_figures_and_the_path(mesh_folder, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = [str(mesh_folder), str(out), *OPTIONS, "--workers", "0"]
    assert build_dataset.main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == str(out)
    assert lines[-2].startswith("12 objects built in") and "0 failed" in lines[-2]
    assert build_dataset.main([*arguments]) == 0
    assert "0 objects built" in (text := capsys.readouterr().out)
    assert "12 kept from before" in text


def test_failures_are_listed_and_exit_codes(mesh_folder, tmp_path, capsys):
    (mesh_folder / "cone" / "bad.off").write_text("OFF\n3 0 0\n0 0 0\n")
    arguments = [str(mesh_folder), str(tmp_path / "out"), *OPTIONS, "--workers", "0"]
    assert build_dataset.main(arguments) == 0
    assert "1 meshes gave no object:" in (text := capsys.readouterr().err)
    assert "bad.off: expected" in text
    only_bad = tmp_path / "bad"
    (only_bad / "cone").mkdir(parents=True)
    (mesh_folder / "cone" / "bad.off").rename(only_bad / "cone" / "bad.off")
    arguments[:2] = [str(only_bad), str(tmp_path / "none")]
    assert build_dataset.main(arguments) == 1
    assert not (tmp_path / "none" / "manifest.json").exists()


@pytest.mark.parametrize(
    "wrong",
    [["--views", "0"], ["--split", "0.5", "0.5", "0.5"], ["--seed", "1"]],
)
def test_wrong_settings_end_with_2(mesh_folder, tmp_path, capsys, wrong):
    arguments = [str(mesh_folder), str(tmp_path / "out"), *OPTIONS, "--workers", "0"]
    assert call(build_dataset.main, arguments) == 0
    assert call(build_dataset.main, [*arguments, *wrong]) == 2
    assert "error:" in capsys.readouterr().err


def test_make_synthetic_builds_what_it_makes(tmp_path, capsys):
    out = tmp_path / "synthetic"
    arguments = [str(out), "--per-category", "1", *OPTIONS, "--workers", "0"]
    assert make_synthetic.main(arguments) == 0
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["num_objects"] >= 8 and manifest["failures"] == []
    assert (out / "meshes" / "chair" / "chair_0000.glb").is_file()
    assert capsys.readouterr().out.splitlines()[-1] == str(out)


def start(arguments):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    # A shell that runs the tests in the background has its children ignore Ctrl-C.
    code = (
        "import signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from svr3d.cli.build_dataset import main\n"
        "sys.exit(main())\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )


def wait_for_records(process, out, count, seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        if len(list(out.glob(".build/objects/*/*.json"))) >= count:
            return
        time.sleep(0.005)


STOPPABLE = ["--views", "12", "--num-points", "20000", "--workers"]
NUM_MESHES = 24


@pytest.fixture(scope="module")
def many_meshes(tmp_path_factory):
    """Enough work for a build to be caught in the middle of it."""
    folder = tmp_path_factory.mktemp("many")
    (folder / "ball").mkdir()
    for index in range(NUM_MESHES):
        shape = trimesh.creation.icosphere(subdivisions=2)
        shape.apply_scale((1, 1 + index / 20, 1))
        shape.export(folder / "ball" / f"ball{index:02d}.ply")
    return folder


@pytest.fixture(scope="module")
def uninterrupted(many_meshes, tmp_path_factory):
    """What a build that nobody stops writes."""
    out = tmp_path_factory.mktemp("whole") / "out"
    assert build_dataset.main([str(many_meshes), str(out), *STOPPABLE, "0"]) == 0
    return tree(out)


@pytest.mark.slow
@pytest.mark.multiproc
@pytest.mark.parametrize(
    ("number", "workers"), [(signal.SIGKILL, 0), (signal.SIGINT, 2)]
)
def test_a_stopped_build_continues(
    many_meshes, uninterrupted, tmp_path, number, workers
):
    out = tmp_path / "out"
    arguments = [str(many_meshes), str(out), *STOPPABLE, str(workers)]
    process = start(arguments)
    wait_for_records(process, out, 3)
    assert process.poll() is None, process.stderr.read()
    process.send_signal(number)
    _, text = process.communicate(timeout=60)
    done = len(list(out.glob(".build/objects/*/*.json")))
    assert 3 <= done < NUM_MESHES
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert "run the same command again" in text
        assert "Traceback" not in text
        assert not (out / ".build" / "temporary").exists()
    arguments[-1] = "0"
    assert build_dataset.main(arguments) == 0
    assert tree(out) == uninterrupted
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["num_objects"] == NUM_MESHES
