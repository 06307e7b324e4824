# SPDX-License-Identifier: Apache-2.0
"""Round trip of the contract: a mesh is built, read, and all its parts agree."""

import pytest
import torch
import trimesh

from svr3d.datasets import PointSampling, ShapeNetR2N2
from svr3d.datasets.transforms import (
    CenterCrop,
    PackViews,
    RandomBackground,
    RandomFlip,
    RandomMirror,
)
from svr3d.geometry.cameras import project
from svr3d.preparation.builder import build_dataset
from svr3d.preparation.settings import BuildSettings

NUM_VIEWS = 4
LOW, HIGH = torch.tensor([-2.0, 1.0, 0.5]), torch.tensor([4.0, 5.0, 1.5])


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A plate with a post at its corner: no symmetry, off centre, in odd units."""
    folder = tmp_path_factory.mktemp("built")
    (folder / "meshes/thing").mkdir(parents=True)
    plate = trimesh.creation.box(bounds=[[-2, 1, 0.5], [4, 1.6, 1.5]])
    post = trimesh.creation.box(bounds=[[3, 1.6, 0.5], [4, 5, 1.1]])
    mesh = trimesh.util.concatenate([plate, post])
    for name in ("one", "two"):
        mesh.export(folder / f"meshes/thing/{name}.obj")
    settings = BuildSettings(
        views=NUM_VIEWS, num_points=4000, num_surface_points=2000, split=(0.5, 0, 0.5)
    )
    build_dataset(folder / "meshes", folder / "data", settings=settings, workers=0)
    return folder / "data"


@pytest.fixture(
    scope="module",
    params=[[], [CenterCrop((127, 127), (120, 120))], [RandomFlip()], [RandomMirror()]],
    ids=["whole", "crop", "flipped", "mirrored"],
)
def sample(built, request):
    pipeline = [*request.param, RandomBackground(), PackViews()]
    points = PointSampling(num_points=3000, num_surface_points=1500)
    dataset = ShapeNetR2N2(built, pipeline, num_views=NUM_VIEWS, points=points)
    sample = dataset[0]
    mirrored = sample["intrinsics"][:, 0, 0] < 0
    assert mirrored.any() == any(isinstance(s, RandomFlip) for s in request.param)
    return sample


def covered(sample, points):
    """Share of the points (P, 3) that project onto the silhouette, per view."""
    pixels, depth = project(points, sample["extrinsics"], sample["intrinsics"])
    assert (depth > 0).all()
    column, row = pixels.floor().long().unbind(-1)
    masks = sample["masks"][:, 0]
    view = torch.arange(len(masks))[:, None]
    return (masks[view, row, column] > 0).float().mean(1)


def test_surface_fills_its_box(sample):
    found = sample["surface_points"]
    half = (HIGH - LOW) / (HIGH - LOW).max() / 2
    torch.testing.assert_close(found.amax(0), half, atol=0.02, rtol=0)
    torch.testing.assert_close(found.amin(0), -half, atol=0.02, rtol=0)


def test_points_lie_on_the_silhouettes(sample):
    inside = sample["points"][sample["occupancies"] > 0]
    assert 50 < len(inside) < 1000
    for points in (inside, sample["surface_points"]):
        # Points on the outline fall into pixels beside it here and there.
        assert covered(sample, points).min() > 0.99


def test_voxels_lie_on_the_silhouettes(sample):
    """Cells that only touch the surface have centres a little outside."""
    centres = (torch.nonzero(sample["voxels"]) + 0.5) / 32 - 0.5
    assert covered(sample, centres).min() > 0.9
    for axes in ((0, 2, 1), (1, 0, 2), (2, 1, 0)):
        assert covered(sample, centres[:, axes].clamp(-0.4, 0.4)).min() < 0.9


def test_inside_points_are_in_full_cells(sample):
    cells = ((sample["points"] + 0.5) * 32).floor().long()
    inside = sample["occupancies"] > 0
    x, y, z = cells[inside].unbind(1)
    assert (sample["voxels"][x, y, z] == 1).all()


def test_normals_point_outward(sample):
    ahead = sample["surface_points"] + 0.04 * sample["surface_normals"]
    ahead = ahead[(ahead.abs() < 0.5).all(1)]
    x, y, z = ((ahead + 0.5) * 32).floor().long().unbind(1)
    # The post stands on the plate: a few per cent of the surface lie between them.
    assert sample["voxels"][x, y, z].float().mean() < 0.1
