# SPDX-License-Identifier: Apache-2.0
"""Metro's distance against closed forms, and as the metric of a runner."""

import math

import numpy as np
import pytest
import torch

from svr3d.errors import DataError
from svr3d.io.mesh_data import MeshData
from svr3d.io.meshes import save_mesh
from svr3d.metrics import MeshToMeshDistance
from svr3d.metrics.mesh_to_mesh_distance import both_directions
from svr3d.metrics.surface_distances import surface_distances
from svr3d.structures import Mesh, OccupancyField, PointCloud, Voxels

CORNERS = torch.tensor(
    [[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)]
).double()
QUADS = [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4]]
QUADS += [[1, 5, 7, 3]]
FACES = torch.tensor(
    [[a, b, c] for a, b, c, _ in QUADS] + [[a, c, d] for a, _, c, d in QUADS]
)


def cube(side):
    return CORNERS * side, FACES


def evaluate(metric, samples, ids=("cube/a",)):
    batch = {
        "category": torch.zeros(len(ids), dtype=torch.int64),
        "sample_id": list(ids),
        "images": torch.empty(len(ids), 1, 0),
    }
    metric.dataset_meta = {"categories": ["cube"]}
    metric.process(batch, list(samples))
    return metric.evaluate(len(ids))


@pytest.fixture
def truth(tmp_path):
    """A cube of side 1 around (1, 2, 3) as a file."""
    vertices, faces = cube(1.0)
    moved = (vertices + torch.tensor([1.0, 2, 3])).numpy()
    (tmp_path / "cube").mkdir()
    save_mesh(tmp_path / "cube" / "a.ply", MeshData(moved, faces.numpy()))
    return tmp_path


def test_nested_cubes_in_closed_form():
    inner, outer = cube(0.8), cube(1.0)
    scores = both_directions(inner, outer, num_points=20_000)
    # From within, everything is 0.1 away from the nearest side.
    for name in ("largest", "mean", "rms"):
        assert scores[f"accuracy_{name}"] == pytest.approx(0.1, abs=1e-9)
    # From outside the corners are farthest; they are samples.
    assert scores["completeness_largest"] == pytest.approx(0.1 * math.sqrt(3))
    assert scores["hausdorff"] == scores["completeness_largest"]
    # Squared: 0.01 everywhere, and the gap's square beyond the borders of two axes.
    expected = math.sqrt(0.01 + 2 * 2 * 0.1**3 / 3)
    assert scores["completeness_rms"] == pytest.approx(expected, rel=5e-3)
    assert scores["rms"] == scores["completeness_rms"]
    assert 0.1 < scores["mean"] < scores["rms"]


def test_edges_are_sampled():
    """The middle of a thin face's edge is farthest from two posts at its ends."""
    posts = torch.tensor([[0.0, 0, 0], [4, 0, 0]])
    thin = torch.tensor([[0.0, 0, 0], [4, 0, 0], [4, 1e-9, 0]])
    found = surface_distances(
        thin,
        torch.tensor([[0, 1, 2]]),
        posts,
        torch.tensor([[0, 0, 0], [1, 1, 1]]),
        num_points=1,
    )
    assert found.largest == pytest.approx(2.0, abs=1e-3)


def test_spheres_are_a_constant_apart(truth):
    def field(radius):
        def logits(codes, points):
            return 40 * (radius - points.norm(dim=2))

        return OccupancyField(
            torch.zeros(1, 1),
            lambda codes, points: torch.sigmoid(logits(codes, points)),
            decode_logits=logits,
            threshold=0.5,
        )

    small, large = (field(radius).to_mesh() for radius in (0.3, 0.4))
    scores = both_directions(
        (small.vertices[0], small.faces[0]),
        (large.vertices[0].double(), large.faces[0]),
        num_points=3000,
    )
    assert scores["hausdorff"] == pytest.approx(0.1, abs=2e-3)
    assert scores["mean"] == pytest.approx(0.1, abs=1e-3)
    assert scores["rms"] == pytest.approx(0.1, abs=1e-3)


@pytest.mark.parametrize("units", ["data", "file"])
def test_normalised_data_and_files_in_their_own_units(truth, units):
    box = dict(normalization="BoundingBox", units=units, num_points=2000)
    metric = MeshToMeshDistance(str(truth), **box)
    # The data's frame has the cube in [-1, 1]; a prediction is 10 % smaller.
    vertices, faces = cube(1.8)
    scores = evaluate(metric, Mesh([vertices.float()], [faces]))
    unit = 1.0 if units == "data" else 0.5
    assert scores["metro/hausdorff"] == pytest.approx(unit * 0.1 * math.sqrt(3))
    assert scores["metro/accuracy_mean"] == pytest.approx(unit * 0.1, rel=1e-5)
    shown = metric.table.rows[0].values[0]
    assert shown == pytest.approx(100 * scores["metro/hausdorff"])
    assert metric.table.protocol["units"] == units
    assert metric.table.smaller_is_better == metric.table.columns


def test_placement_comes_from_the_stored_points(truth):
    cloud = np.concatenate([np.full((1, 6), 1.0), np.full((1, 6), 3.0)])
    np.save(truth / "cube" / "a.npy", cloud)
    metric = MeshToMeshDistance(
        str(truth),
        normalization="CenterBox",
        cloud_pattern="{sample_id}.npy",
        num_points=500,
    )
    vertices, faces = cube(1.0)
    there = vertices + torch.tensor([-1.0, 0, 1])  # the file's, less (2, 2, 2)
    scores = evaluate(metric, Mesh([there.float()], [faces]))
    assert scores["metro/hausdorff"] == pytest.approx(0, abs=1e-6)


def test_every_representation_is_compared(truth):
    vertices, faces = cube(1.0)
    mesh = Mesh([(vertices * 0.6).float()], [faces])
    grid = torch.zeros(1, 20, 20, 20)
    grid[:, 4:16, 4:16, 4:16] = 1

    def inside(codes, points):
        return torch.sigmoid(50 * (0.3 - points.abs().amax(2)))

    samples = {
        "mesh": mesh,
        "voxels": Voxels(grid, 0.5),
        "points": mesh.to_points(4000),
        "field": OccupancyField(torch.zeros(1, 1), inside, threshold=0.5),
    }
    for name, sample in samples.items():
        metric = MeshToMeshDistance(
            str(truth), normalization="CenterBox", num_points=2000
        )
        scores = evaluate(metric, sample)
        expected = 0.2 * math.sqrt(3)
        assert scores["metro/hausdorff"] == pytest.approx(expected, abs=0.05), name
        assert scores["metro/accuracy_mean"] == pytest.approx(0.2, abs=0.03), name


def test_nothing_predicted_is_a_diagonal_away(truth):
    nothing = Mesh([torch.zeros(0, 3)], [torch.zeros(0, 3, dtype=torch.int64)])
    none = PointCloud([torch.zeros(0, 3)])
    for sample in (nothing, none):
        scores = evaluate(MeshToMeshDistance(str(truth), num_points=100), sample)
        assert scores["metro/hausdorff"] == pytest.approx(math.sqrt(3))


def test_wrong_arguments_and_missing_files_are_named(truth):
    with pytest.raises(ValueError, match="units: expected 'data' or 'file'"):
        MeshToMeshDistance("x", units="metres")
    with pytest.raises(ValueError, match="mesh_pattern: expected '{sample_id}'"):
        MeshToMeshDistance("x", mesh_pattern="model.obj")
    with pytest.raises(ValueError, match="num_points: expected at least 1, found 0"):
        MeshToMeshDistance("x", num_points=0)
    with pytest.raises(DataError, match=r"cube/b: expected the file .*cube/b\.ply"):
        evaluate(
            MeshToMeshDistance(str(truth)), Mesh(*[[x] for x in cube(1)]), ["cube/b"]
        )
