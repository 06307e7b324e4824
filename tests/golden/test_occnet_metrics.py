# SPDX-License-Identifier: Apache-2.0
"""Metrics of occupancy networks, their successors and what3d against recorded runs."""

import numpy as np
import pytest
import torch

from svr3d.metrics.cloud_distances import cloud_distances, f_scores, mean_scores
from svr3d.metrics.voxel_counts import counts_to_iou, voxel_counts
from svr3d.ops import points_in_mesh
from svr3d.structures import Voxels

NAMES = {"chamfer-L1": "chamfer_l1", "chamfer-L2": "chamfer_l2"}


@pytest.fixture
def case(request, golden, golden_dir):
    return golden.load(golden_dir / "occnet" / request.param)


def compare(given, *names):
    """Compare clouds given by (points, target[, normals, target normals])."""
    parts = [torch.from_numpy(given[name])[None] for name in names]
    normals = {}
    if len(parts) == 4:
        normals = {"predicted_normals": parts[2], "target_normals": parts[3]}
    (found,) = cloud_distances(*parts[:2], **normals)
    return found


CLOUDS = ("pointcloud", "pointcloud_tgt", "normals", "normals_tgt")


@pytest.mark.parametrize("case", ["iou"], indirect=True)
def test_iou(case):
    given, expected = case
    left, right = (
        torch.from_numpy(given[name]).flatten(1) for name in ("occ1", "occ2")
    )
    counts = voxel_counts(left, (right >= 0.5).float(), (0.5,))
    found = counts_to_iou(counts, empty=float("nan"))[:, 0]
    np.testing.assert_allclose(found, expected["iou"], rtol=1e-6)
    assert np.isnan(expected["iou"]).sum() == 1
    defined = counts_to_iou(counts)[:, 0].numpy()
    np.testing.assert_array_equal(defined[np.isnan(expected["iou"])], 1.0)


@pytest.mark.parametrize(
    "case", ["metric_pointcloud", "metric_pointcloud_nonormals"], indirect=True
)
def test_pointcloud(case):
    given, expected = case
    scores = mean_scores(compare(given, *[name for name in CLOUDS if name in given]))
    assert len(scores) == len(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(scores[NAMES.get(name, name)], value, rtol=1e-5)


@pytest.mark.parametrize("case", ["metric_pointcloud_empty"], indirect=True)
def test_empty_prediction_has_the_published_figures_and_all_keys(case):
    given, expected = case
    scores = mean_scores(compare(given, *CLOUDS))
    # The original's only other key is the sum that its chamfer-L2 halves.
    assert 2 * scores["chamfer_l2"] == pytest.approx(float(expected.pop("chamfer")))
    for name, value in expected.items():
        assert scores[name] == pytest.approx(float(value), rel=1e-12)
    assert scores["chamfer_l1"] == pytest.approx(np.sqrt(3))
    assert np.isfinite(list(scores.values())).all()
    assert f_scores(compare(given, *CLOUDS), (0.1,))["f_score"] == [0.0]


@pytest.mark.parametrize("case", ["metric_mesh"], indirect=True)
def test_mesh(case):
    given, expected = case
    vertices, faces = (torch.from_numpy(given[name]) for name in ("vertices", "faces"))
    a, b, c = vertices[faces[torch.from_numpy(given["sample_face_index"])]].unbind(1)
    (found,) = cloud_distances(
        [torch.from_numpy(given["sample_points"]).float()],
        [torch.from_numpy(given["pointcloud_tgt"])],
        predicted_normals=[torch.linalg.cross(b - a, c - a).float()],
        target_normals=[torch.from_numpy(given["normals_tgt"])],
    )
    scores = mean_scores(found)
    inside = points_in_mesh(
        vertices, faces, torch.from_numpy(given["points_iou"]), rule="hash"
    )
    labels = torch.from_numpy(given["occ_tgt"])[None]
    counts = voxel_counts(inside[None], labels, (0.5,))
    scores["iou"] = float(counts_to_iou(counts))
    assert len(scores) == len(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(scores[NAMES.get(name, name)], value, rtol=1e-5)


@pytest.mark.parametrize("case", ["metric_fscore"], indirect=True)
def test_fscore(case):
    given, expected = case
    found = compare(given, *CLOUDS)
    scores = f_scores(found, (0.01, 0.015, 0.02))["f_score"]
    names = ("f-score", "f-score-15", "f-score-20")
    for score, name in zip(scores, names, strict=True):
        np.testing.assert_allclose(score, expected[name], rtol=1e-5)
    means = mean_scores(found)
    for name in set(expected) - set(names):
        np.testing.assert_allclose(
            means[NAMES.get(name, name)], expected[name], rtol=1e-5
        )


@pytest.mark.parametrize("case", ["fscore_what3d"], indirect=True)
def test_fscore_what3d(case):
    given, expected = case
    found = f_scores(compare(given, "pr", "gt"), given["thresholds"], strict=True)
    # What it calls precision is the share of true points that are met.
    names = {"fscore": "f_score", "precision": "recall", "recall": "precision"}
    for theirs, ours in names.items():
        np.testing.assert_allclose(found[ours], expected[theirs], rtol=0, atol=1e-12)


@pytest.mark.parametrize("case", ["chamfer_squared"], indirect=True)
def test_chamfer_squared(case):
    given, expected = case
    first, second = (torch.from_numpy(given[name]) for name in ("points1", "points2"))
    for index, found in enumerate(cloud_distances(first, second)):
        scores = mean_scores(found)
        for name, value in (
            ("chamfer", 2 * scores["chamfer_l2"]),
            ("naive", 2 * scores["chamfer_l2"]),
            ("chamfer1", scores["accuracy2"]),
            ("chamfer2", scores["completeness2"]),
        ):
            np.testing.assert_allclose(value, expected[name][index], rtol=1e-5)


@pytest.mark.parametrize("case", ["voxels"], indirect=True)
def test_points_in_voxels(case):
    given, expected = case
    voxels = Voxels(torch.from_numpy(given["occ"])[None].float())
    points = torch.from_numpy((given["points"] - given["loc"]) / given["scale"])
    found = voxels.at(points[None], truncate=True)[0] >= 0.5
    np.testing.assert_array_equal(found, expected["contains"])
    # Without truncation points below the grid are outside, as those above it are.
    outside = (points < -0.5).any(1)
    exact = voxels.at(points[None])[0] >= 0.5
    assert not exact[outside].any()
    np.testing.assert_array_equal(exact[~outside], expected["contains"][~outside])


@pytest.mark.parametrize("case", ["voxels"], indirect=True)
def test_mesh_of_voxels(case):
    given, expected = case
    mesh = Voxels(torch.from_numpy(given["occ"])[None]).to_mesh(0.5, mode="cubes")
    vertices = mesh.vertices[0].double() * float(given["scale"])
    vertices = vertices + torch.from_numpy(given["loc"])
    a, b, c = vertices[mesh.faces[0]].unbind(1)
    theirs = torch.from_numpy(expected["mesh_vertices"])
    ta, tb, tc = theirs[torch.from_numpy(expected["mesh_faces"]).long()].unbind(1)
    assert len(mesh.faces[0]) == len(ta)
    for f in (
        lambda a, b, c: (a * torch.linalg.cross(b, c)).sum() / 6,
        lambda a, b, c: torch.linalg.cross(b - a, c - a).norm(dim=1).sum() / 2,
    ):
        torch.testing.assert_close(f(a, b, c), f(ta, tb, tc), rtol=1e-6, atol=1e-6)
    # The centres of both triangles' common edge are those of the sides of cells.
    sides = {tuple(row) for row in ((a + c) / 2).mul(1e4).round().long().tolist()}
    expected_sides = {
        tuple(row)
        for p, q in ((ta, tb), (tb, tc), (ta, tc))
        for row in ((p + q) / 2).mul(1e4).round().long().tolist()
    }
    assert sides <= expected_sides


@pytest.mark.parametrize("case", ["voxels"], indirect=True)
def test_coarser_voxels(case):
    given, expected = case
    coarse = Voxels(torch.from_numpy(given["occ"])[None]).to_voxels(3)
    np.testing.assert_array_equal(coarse.probabilities[0] > 0, expected["down"])
