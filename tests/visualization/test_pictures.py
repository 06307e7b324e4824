# SPDX-License-Identifier: Apache-2.0
import json

import numpy as np
import pytest
import torch
from PIL import Image

from svr3d.structures import Mesh, PointCloud, Voxels, cell_centres
from svr3d.visualization import (
    comparison_grid,
    image_to_picture,
    orbit_cameras,
    picture_grid,
    plot_curves,
    read_scalars,
    save_turntable,
    turntable,
    voxel_iou,
)


@pytest.fixture
def slab():
    """A thin slab at z < 0: wide seen along z, narrow seen along x."""
    grid = torch.zeros(1, 8, 8, 8)
    grid[0, 1:7, 2:6, 1:2] = 1
    return Voxels(grid)


def drawn(picture):
    return (picture < 250).any(axis=-1)


def test_cameras_look_at_the_middle():
    extrinsics, intrinsics = orbit_cameras([0, 90, 215], elevation=30, size=100)
    rotation, translation = extrinsics[:, :, :3], extrinsics[:, :, 3]
    identity = torch.eye(3).expand(3, 3, 3)
    assert torch.allclose(rotation @ rotation.mT, identity, atol=1e-6)
    assert torch.allclose(torch.linalg.det(rotation), torch.ones(3))
    centres = -(rotation.mT @ translation[:, :, None])[:, :, 0]
    cosine = 3**0.5 / 2
    assert torch.allclose(centres[0], 2.4 * torch.tensor([cosine, 0.5, 0]), atol=1e-5)
    assert torch.allclose(centres[1], 2.4 * torch.tensor([0, 0.5, cosine]), atol=1e-5)
    middle = (intrinsics @ translation[:, :, None])[:, :, 0]
    assert torch.allclose(middle[:, :2] / middle[:, 2:], torch.tensor(50.0))
    top = intrinsics @ (rotation @ torch.tensor([0, 0.3, 0]) + translation)[..., None]
    assert (top[:, 1] / top[:, 2] < 50).all()  # y is up: towards row 0


def test_a_ball_of_the_framing_radius_fits_the_picture():
    distance = cell_centres(32).norm(dim=-1)
    ball = Voxels(torch.sigmoid((0.4 - distance) / 0.02)[None])
    picture = turntable(ball, 1, size=64, threshold=0.5, radius=0.4)[0]
    rows, columns = np.nonzero(drawn(picture))
    assert np.ptp(rows) + 1 == pytest.approx(64, abs=1)
    assert np.ptp(columns) + 1 == pytest.approx(64, abs=1)


@pytest.mark.parametrize("mode", ["smooth", "cubes"])
def test_turntable_turns(slab, mode):
    views = turntable(
        slab, 4, size=48, elevation=5, first_azimuth=270, mode=mode, radius=0.7
    )
    assert views.shape == (4, 48, 48, 3) and views.dtype == np.uint8
    widths = [np.ptp(np.nonzero(drawn(view))[1]) for view in views]
    assert min(widths[0], widths[2]) > 2 * max(widths[1], widths[3])
    # From azimuth 270 the camera is at z < 0, where the slab is, from 90 behind it.
    assert drawn(views[0]).sum() > drawn(views[2]).sum()


def test_other_structures_are_drawn_and_empty_ones_are_white(slab):
    mesh = slab.to_mesh(0.5)
    same = turntable(mesh, 2, size=32)
    assert drawn(same).any()
    assert drawn(turntable(PointCloud([mesh.vertices[0]]), 1, size=32)).any()
    assert not drawn(turntable(Voxels(torch.zeros(1, 8, 8, 8)), 2, size=32)).any()
    with pytest.raises(ValueError, match="one sample, found 2"):
        turntable(Voxels.cat([slab, slab]))


def test_vertex_colors_are_shown():
    mesh = Mesh(
        torch.tensor([[[-0.4, -0.4, 0], [0.4, -0.4, 0], [0, 0.4, 0]]]),
        torch.tensor([[0, 1, 2]]),
        torch.tensor([[[1.0, 0, 0]] * 3]),
    )
    # Seen from both sides, lit from both sides.
    for view in turntable(mesh, 2, size=32, first_azimuth=90):
        center = view[16, 16].astype(int)
        assert center[0] > 100 and center[1] == center[2] == 0


def test_grid_places_pictures_and_keeps_their_shape():
    wide = np.zeros((10, 20, 3), np.uint8)
    sheet = picture_grid([[wide, None], [wide, wide]], cell_size=40, gap=4)
    assert sheet.shape == (2 * 44 + 4, 2 * 44 + 4, 3)
    dark = (sheet == 0).all(axis=2)
    assert dark[4:44, 4:44].sum() == 20 * 40
    assert not dark[:46, 46:].any() and dark[46:, 46:].any()
    titled = picture_grid([[wide]], column_titles=["Input"], row_titles=["x" * 500])
    assert titled.shape[1] == picture_grid([[wide]]).shape[1]
    with pytest.raises(ValueError, match="at least one picture"):
        picture_grid([])


def test_comparison_has_a_row_for_each_sample(slab):
    inputs = [np.zeros((20, 20, 3), np.uint8)] * 2
    both = Voxels.cat([slab, slab])
    sheet = comparison_grid(inputs, both, both, titles=["a", "b"], cell_size=40)
    # input, target (clay: red most), prediction (blue: blue most), in both rows
    half = sheet.shape[0] // 2
    for part in (sheet[20:half], sheet[half:]):
        middle = part.astype(int)
        target, prediction = middle[:, 52:92], middle[:, 98:138]
        assert (target[..., 0] >= target[..., 2])[drawn(target)].mean() > 0.8
        assert (prediction[..., 2] > prediction[..., 0] + 10).sum() > 50
    assert comparison_grid(inputs, both, cell_size=40).shape[1] < sheet.shape[1]


def test_iou_counts_cells(slab):
    other = Voxels(slab.probabilities.roll(1, 1) * 0.6)
    assert voxel_iou(other, slab, threshold=0.5) == pytest.approx(5 / 7)
    assert voxel_iou(other, slab, threshold=0.7) == 0
    empty = Voxels(torch.zeros(1, 8, 8, 8))
    assert voxel_iou(empty, empty, threshold=0.5) == 1


def test_inputs_become_pictures():
    image = np.full((3, 4, 5), 0.5, np.float32)
    image[0, 0, 0], image[1, 0, 0], image[2, 0, 0] = 2.0, -1.0, np.nan
    picture = image_to_picture(image)
    assert picture.shape == (4, 5, 3)
    assert picture[0, 0].tolist() == [255, 0, 0] and picture[1, 1, 0] == 128


def test_turntable_file_turns(slab, tmp_path):
    for kind in ("gif", "webp"):
        path = save_turntable(slab, tmp_path / f"turn.{kind}", num_views=6, size=32)
        with Image.open(path) as animation:
            assert animation.n_frames == 6 and animation.size == (32, 32)


def test_scalars_of_a_resumed_and_killed_run_are_joined(tmp_path):
    runs = {
        "20260101_1": [{"loss": 3.0, "step": 1}, {"loss": 2.0, "step": 2}],
        "20260102_1": [{"loss": 1.5, "step": 2}, {"iou": 0.3, "step": 1}],
    }
    for name, lines in runs.items():
        folder = tmp_path / name / "vis_data"
        folder.mkdir(parents=True)
        text = "\n".join(json.dumps(line) for line in lines)
        (folder / "scalars.json").write_text(text + '\n{"loss": 1.2, "st')
    scalars = read_scalars(tmp_path)
    assert scalars["loss"] == [(1, 3.0), (2, 1.5)] and scalars["iou"] == [(1, 0.3)]
    assert read_scalars(tmp_path / "nowhere") == {}


def test_curves_are_drawn(tmp_path):
    panels = {"loss": {"train": [(0, 1.0), (5, 0.5)]}, "IoU": {"a": [], "b": [(1, 1)]}}
    path = plot_curves(panels, tmp_path / "x" / "curves.png", xlabels=["it", "epoch"])
    pixels = np.asarray(Image.open(path).convert("RGB"))
    assert drawn(pixels).sum() > 1000
