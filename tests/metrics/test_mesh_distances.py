# SPDX-License-Identifier: Apache-2.0
"""Distances of surfaces in closed form, and as the metric of a runner."""

import csv
import json
import math

import pytest
import torch

from svr3d.metrics import MeshDistances, ResultTable
from svr3d.metrics.cloud_distances import cloud_distances, f_scores, mean_scores
from svr3d.structures import Mesh, OccupancyField, PointCloud, Voxels

META = {"categories": ["chair", "lamp"], "taxonomy_ids": ["03001627", "03636649"]}
SQUARE = torch.tensor([[0, 1, 2], [0, 2, 3]])


def square(height, side=1.0):
    """A square across z that looks up."""
    corners = torch.tensor([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]]) * side
    return Mesh([torch.cat([corners, torch.full((4, 1), height)], dim=1)], [SQUARE])


def on_square(height, count=5000):
    points = torch.rand(count, 3) - 0.5
    points[:, 2] = height
    return points, torch.tensor([[0.0, 0.0, 2.0]]).expand(count, 3)


def sphere_field(*radii):
    def logits(codes, points):
        return 40 * (codes - points.norm(dim=2))

    return OccupancyField(
        torch.tensor(radii)[:, None],
        lambda codes, points: torch.sigmoid(logits(codes, points)),
        decode_logits=logits,
        threshold=0.5,
    )


def evaluate(metric, samples, targets, categories=None, normals=True):
    points, directions = zip(*targets, strict=True)
    batch = {
        "surface_points": torch.stack(points),
        "category": torch.tensor(categories or [0] * len(samples)),
        "sample_id": [f"03001627/{index}" for index in range(len(samples))],
        "images": torch.empty(len(samples), 1, 0),
    }
    if normals:
        batch["surface_normals"] = torch.stack(directions)
    metric.dataset_meta = META
    metric.process(batch, samples)
    return metric.evaluate(len(samples))


def test_parallel_squares_in_closed_form():
    scores = evaluate(MeshDistances(3000), [square(0.1)], [on_square(0.0, 20_000)])
    assert scores["mesh/accuracy"] == pytest.approx(0.1, abs=1e-3)
    assert scores["mesh/completeness"] == pytest.approx(0.1, abs=2e-3)
    assert scores["mesh/accuracy2"] == pytest.approx(0.01, abs=1e-3)
    assert scores["mesh/chamfer_l1_x10"] == 10 * scores["mesh/chamfer_l1"]
    assert scores["mesh/normals"] == pytest.approx(1.0)
    assert scores["mesh/f_score_0.02"] == 0.0


def test_half_of_a_square_is_accurate_but_not_complete():
    half = square(0.0, side=0.5)
    metric = MeshDistances(20_000, f_thresholds=(0.05,))
    scores = evaluate(metric, [half], [on_square(0.0, 20_000)])
    # Points outside of the square: at most 0.05 away from it on a strip around it.
    met = 0.25 + 4 * 0.05 * 0.5 + math.pi * 0.05**2
    assert scores["mesh/precision_0.05"] == 1.0
    assert scores["mesh/recall_0.05"] == pytest.approx(met, abs=0.02)
    assert scores["mesh/f_score_0.05"] == pytest.approx(2 * met / (1 + met), abs=0.02)
    assert scores["mesh/accuracy"] < 0.01 < scores["mesh/completeness"]


def test_points_exactly_at_the_threshold():
    near = cloud_distances([torch.zeros(1, 3)], [torch.tensor([[0.25, 0.0, 0.0]])])[0]
    assert f_scores(near, (0.25,))["f_score"] == [1.0]
    assert f_scores(near, (0.25,), strict=True)["f_score"] == [0.0]


def test_objects_of_a_batch_do_not_touch_each_other():
    clouds = [torch.rand(size, 3) for size in (40, 1, 0, 70)]
    targets = [torch.rand(size, 3) for size in (30, 50, 20, 10)]
    normals = [torch.randn(len(cloud), 3) for cloud in clouds]
    true_normals = [torch.randn(len(cloud), 3) for cloud in targets]
    together = cloud_distances(
        clouds, targets, predicted_normals=normals, target_normals=true_normals
    )
    for cloud, target, own, true, found in zip(
        clouds, targets, normals, true_normals, together, strict=True
    ):
        if len(cloud) == 0:
            assert mean_scores(found)["chamfer_l1"] == pytest.approx(math.sqrt(3))
            continue
        apart = torch.cdist(cloud.double(), target.double())
        scores = mean_scores(found)
        assert scores["accuracy"] == pytest.approx(float(apart.amin(1).mean()))
        assert scores["completeness"] == pytest.approx(float(apart.amin(0).mean()))
        cosine = torch.cosine_similarity(own, true[apart.argmin(1)], dim=1)
        assert scores["normals_accuracy"] == pytest.approx(
            float(cosine.abs().mean()), abs=1e-5
        )


def test_every_representation_is_compared():
    field = sphere_field(0.3, 0.4)
    cloud = torch.nn.functional.normalize(torch.randn(2, 3000, 3), dim=2)
    targets = [(cloud[i] * radius, cloud[i]) for i, radius in enumerate((0.3, 0.4))]
    representations = {
        "field": field,
        "mesh": field.to_mesh(),
        "voxels": Voxels(field.to_voxels(32).probabilities, 0.5),
        "points": PointCloud(field.to_points(3000, seed=5).points),
    }
    for name, structure in representations.items():
        scores = evaluate(MeshDistances(3000), list(structure), targets)
        assert scores["mesh/chamfer_l1"] < 0.015, name
        if name == "points":
            assert math.isnan(scores["mesh/normals"])
        else:
            assert scores["mesh/normals"] > 0.97, name


def test_vertices_of_fields_have_gradients_as_normals():
    cloud = torch.nn.functional.normalize(torch.randn(1, 3000, 3), dim=2)
    metric = MeshDistances(points="vertices")
    scores = evaluate(metric, list(sphere_field(0.3)), [(0.3 * cloud[0], cloud[0])])
    assert scores["mesh/normals"] > 0.995
    assert metric.table.protocol["points"] == "vertices"
    mesh = sphere_field(0.3).to_mesh()
    scores = evaluate(
        MeshDistances(points="vertices"), list(mesh), [(0.3 * cloud[0], cloud[0])]
    )
    assert scores["mesh/normals"] > 0.99


def test_empty_and_flat_predictions_get_every_figure():
    nothing = Mesh([torch.zeros(0, 3)], [torch.zeros(0, 3, dtype=torch.int64)])
    flat = Mesh([torch.zeros(3, 3)], [torch.tensor([[0, 1, 2]])])
    none = PointCloud([torch.zeros(0, 3)])
    target = on_square(0.0, 100)
    metric = MeshDistances(100)
    scores = evaluate(metric, [nothing, flat, none], [target] * 3)
    assert all(math.isfinite(value) for value in scores.values())
    assert scores["mesh/chamfer_l1"] == pytest.approx(math.sqrt(3))
    assert scores["mesh/chamfer_l2"] == pytest.approx(3)
    assert scores["mesh/normals"] == -1
    assert scores["mesh/f_score_0.01"] == scores["mesh/precision_0.01"] == 0


def test_draws_depend_on_seed_and_sample_only():
    target = on_square(0.0, 200)
    alone = evaluate(MeshDistances(50), [square(0.1)], [target])
    beside = MeshDistances(50)
    evaluate(beside, [square(0.1), square(0.2)], [target, target])
    assert beside.samples[0]["chamfer_l1"] == alone["mesh/chamfer_l1"]
    other = evaluate(MeshDistances(50, seed=1), [square(0.1)], [target])
    assert other["mesh/chamfer_l1"] != alone["mesh/chamfer_l1"]


def test_table_of_categories_with_published_figures(tmp_path):
    metric = MeshDistances(
        200,
        baselines={"chair": {"chamfer_l1_x10": 0.206, "normals": 0.829}, "lamp": {}},
        protocol={"split": "test"},
    )
    target = on_square(0.0, 200)
    heights = (0.1, 0.3, 0.5)
    scores = evaluate(
        metric, [square(h) for h in heights], [target] * 3, categories=[0, 1, 0]
    )
    table = metric.table
    assert [(row.name, row.count) for row in table.rows] == [("chair", 2), ("lamp", 1)]
    each = [row["accuracy"] for row in metric.samples]
    place = table.columns.index("accuracy")
    assert table.rows[0].values[place] == pytest.approx((each[0] + each[2]) / 2)
    expected = ((each[0] + each[2]) / 2 + each[1]) / 2
    assert scores["mesh/accuracy_category_mean"] == pytest.approx(expected)
    assert table.rows[0].published == {"Chamfer-L1 x10": 0.206, "normals": 0.829}
    assert table.protocol["points"] == "200 on the surface"
    assert table.protocol["unit"] == "longest side of the object"
    report = table.to_report()
    assert report.splitlines()[1].split().count("published") == 2
    assert "0.2060" in report
    assert ResultTable.from_dict(json.loads(table.to_json())) == table
    table.to_csv(tmp_path / "table.csv")
    rows = (tmp_path / "table.csv").read_text().splitlines()[1:]
    first = next(csv.DictReader(rows))
    assert first["published Chamfer-L1 x10"] == "0.206"


def test_figures_that_are_not_known_survive_json(tmp_path):
    metric = MeshDistances(50)
    evaluate(metric, [square(0.1)], [on_square(0.0, 50)], normals=False)
    again = ResultTable.from_dict(json.loads(metric.table.to_json()))
    place = again.columns.index("normals")
    assert math.isnan(again.rows[0].values[place])
    assert again.overall[0] == metric.table.overall[0]


def test_missing_key_and_wrong_arguments_are_named():
    batch = {"voxels": torch.zeros(1), "sample_id": ["a/b"], "category": [0]}
    with pytest.raises(KeyError, match="MeshDistances: expected 'surface_points'"):
        MeshDistances().process(batch, [square(0.0)])
    with pytest.raises(ValueError, match="points: expected 'surface' or 'vertices'"):
        MeshDistances(points="corners")
    with pytest.raises(ValueError, match="num_points"):
        MeshDistances(0)
    with pytest.raises(ValueError, match=r"target\[0\]: expected at least one point"):
        cloud_distances([torch.rand(1, 3)], [torch.zeros(0, 3)])
