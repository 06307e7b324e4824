# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
import torch
import trimesh
from PIL import Image

from svr3d.apis import Reconstruction
from svr3d.cli.main import call
from svr3d.cli.reconstruct import main, write_reconstruction
from svr3d.errors import DataError
from svr3d.io.binvox import read_binvox
from svr3d.structures import PointCloud


@pytest.fixture
def images(tmp_path, renderings):
    folder = tmp_path / "in"
    folder.mkdir()
    paths = []
    for name, view in zip("abcd", renderings, strict=True):
        Image.fromarray(view).save(folder / f"{name}.png")
        paths.append(str(folder / f"{name}.png"))
    return paths


def test_each_image_is_an_object(write_checkpoint, images, tmp_path, capsys):
    out = tmp_path / "new" / "out"
    checkpoint = str(write_checkpoint(threshold=0.5))
    assert main([checkpoint, *images[:2], "--out", str(out)]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "threshold 0.50 (best on the validation set)"
    assert printed[-1] == str(out)
    expected = {f"{n}.{kind}" for n in "ab" for kind in ("glb", "obj", "binvox", "png")}
    assert {path.name for path in out.iterdir()} == expected
    for name in "ab":
        grid = read_binvox(out / f"{name}.binvox").voxels
        assert 0 < grid.mean() < 1
        for kind in ("glb", "obj"):
            mesh = trimesh.load_mesh(out / f"{name}.{kind}")
            assert len(mesh.faces) > 10 and np.abs(mesh.bounds).max() < 0.6
        picture = np.asarray(Image.open(out / f"{name}.png"))
        assert (picture < 250).any() and picture.shape[1] > 1000


def test_fields_need_no_flag(write_field_checkpoint, images, tmp_path, capsys):
    out = tmp_path / "out"
    checkpoint = str(write_field_checkpoint())
    arguments = ["--format", "glb", "off", "binvox"]
    assert main([checkpoint, *images[:2], "--out", str(out), *arguments]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("threshold 0.20 (the model's own")
    for name in "ab":
        mesh = trimesh.load_mesh(out / f"{name}.off")
        assert len(mesh.faces) > 10 and np.abs(mesh.bounds).max() < 0.5501
        assert (out / f"{name}.glb").is_file() and (out / f"{name}.png").is_file()
        assert 0 < read_binvox(out / f"{name}.binvox").voxels.mean() < 1


def test_clouds_keep_their_colours_and_poses(tmp_path):
    points, colors = torch.rand(1, 50, 3) - 0.5, torch.rand(1, 50, 3)
    cloud = PointCloud(points, colors=colors, poses=torch.tensor([[np.pi / 2, -0.1]]))
    result = Reconstruction("fish", cloud, [np.zeros((64, 64, 3), np.uint8)])
    paths = write_reconstruction(result, tmp_path, formats=["ply"])
    assert [path.name for path in paths] == ["fish.ply", "fish.png", "fish_pose.txt"]
    saved = trimesh.load(paths[0])
    np.testing.assert_allclose(saved.vertices, points[0], atol=1e-6)
    np.testing.assert_allclose(saved.colors[:, :3] / 255, colors[0], atol=1 / 255)
    assert paths[2].read_text() == "90.000 -5.730\n"


def test_empty_fields_are_named(write_field_checkpoint, images, tmp_path, capsys):
    checkpoint = str(write_field_checkpoint(bias=-1000.0))
    with pytest.raises(DataError, match="none of 1 objects"):
        main([checkpoint, images[0], "--out", str(tmp_path / "out")])
    assert "no point reaches the threshold 0.20" in capsys.readouterr().err


def test_views_of_one_object(write_checkpoint, images, tmp_path):
    out = tmp_path / "out"
    arguments = ["--multi-view", "--format", "ply", "--surface", "cubes", "--animation"]
    assert main([str(write_checkpoint()), *images, "--out", str(out), *arguments]) == 0
    assert {path.name for path in out.iterdir()} == {"a.ply", "a.png", "a.gif"}


def test_views_from_around(write_checkpoint, images, tmp_path):
    out = tmp_path / "out"
    arguments = [images[0], "--out", str(out), "--format", "obj", "--turntable", "8"]
    assert main([str(write_checkpoint()), *arguments]) == 0
    assert {path.name for path in out.iterdir()} == {
        "a.obj",
        "a.png",
        "a_turntable.png",
    }
    sheet = np.asarray(Image.open(out / "a_turntable.png"))
    assert sheet.shape == (2 * 262 + 6, 6 * 262 + 6, 3)
    # Two rows, of six views and of two.
    halves = [sheet[:268], sheet[268:]]
    drawn = [(half < 250).any((0, 2)).reshape(-1, 6).any(1).mean() for half in halves]
    assert drawn[0] > 0.5 > drawn[1] > 0.1
    with pytest.raises(SystemExit):
        main([str(write_checkpoint()), *arguments[:-1], "0"])


def test_a_bad_image_does_not_stop_the_others(
    write_checkpoint, images, tmp_path, capsys
):
    with open(images[1], "r+b") as file:
        file.truncate(200)
    out = tmp_path / "out"
    code = main(
        [str(write_checkpoint()), str(tmp_path / "in"), "--out", str(out)]
        + ["--format", "glb"]
    )
    captured = capsys.readouterr()
    assert code == 1 and "b.png: truncated PNG" in captured.err
    assert "1 of 4 objects failed" in captured.err
    assert {path.stem for path in out.glob("*.glb")} == set("acd")


def test_an_empty_result_names_the_remedy(write_checkpoint, images, tmp_path, capsys):
    checkpoint = str(write_checkpoint(bias=-1000.0))
    code = call(main, [checkpoint, images[0], "--out", str(tmp_path / "out")])
    assert code == 2
    error = capsys.readouterr().err
    assert "no cell reaches the threshold 0.40" in error and "--threshold" in error
    assert "none of 1 objects" in error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.png"], "missing.png"),
        (["--threshold", "2"], "0 < t < 1, found 2"),
        (["--batch-size", "0"], "at least 1"),
    ],
)
def test_wrong_arguments_end_with_code_2(
    write_checkpoint, images, tmp_path, capsys, arguments, message
):
    images = [] if arguments[0] == "missing.png" else images
    command = [str(write_checkpoint()), *images, *arguments, "--out", str(tmp_path)]
    try:
        code = call(main, command)
    except SystemExit as leaving:
        code = leaving.code
    assert code == 2 and message in capsys.readouterr().err


def test_unwritable_folder_is_named(write_checkpoint, images, tmp_path, capsys):
    blocker = tmp_path / "file"
    blocker.touch()
    command = [str(write_checkpoint()), images[0], "--out", str(blocker / "out")]
    assert call(main, command) == 2
    assert "file/out" in capsys.readouterr().err
