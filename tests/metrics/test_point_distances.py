# SPDX-License-Identifier: Apache-2.0
"""Squared Chamfer distance and F-score in closed form, and as a runner's metric."""

import math

import numpy as np
import pytest
import torch

from svr3d.metrics import PointDistances, ResultTable
from svr3d.metrics.cloud_distances import cloud_distances
from svr3d.metrics.point_distances import point_scores
from svr3d.structures import Mesh, OccupancyField, PointCloud, Voxels

META = {"categories": ["chair", "lamp"], "taxonomy_ids": ["03001627", "03636649"]}


def batch_of(targets, categories=None, **entries):
    return {
        "surface_points": torch.stack(list(targets)),
        "category": torch.tensor(categories or [0] * len(targets)),
        "sample_id": [f"03001627/{index}" for index in range(len(targets))],
        "images": torch.empty(len(targets), 1, 0),
        **entries,
    }


def evaluate(metric, *batches):
    """Process (samples, batch) pairs and return the scores."""
    metric.dataset_meta = META
    for samples, batch in batches:
        metric.process(batch, list(samples))
    return metric.evaluate(sum(len(samples) for samples, _ in batches))


def random_clouds(*sizes):
    return [torch.rand(size, 3) - 0.5 for size in sizes]


def by_hand(points, target):
    apart = torch.cdist(points.double(), target.double()).square()
    return float(apart.amin(1).mean() + apart.amin(0).mean())


@pytest.mark.parametrize("case", ["chamfer_fscore", "chamfer_fscore_ties"])
def test_equals_atlasnet(golden, golden_dir, case):
    given, expected = golden.load(golden_dir / "atlasnet" / case)
    first, second = (torch.from_numpy(given[name]) for name in "ab")
    found = cloud_distances(first, second)
    for name in expected:
        if not name.startswith("fscore_"):
            continue
        threshold = float(name.removeprefix("fscore_"))
        scores = [point_scores(distances, threshold) for distances in found]
        for row, key in enumerate(("f_score", "precision", "recall")):
            ours = [score[key] for score in scores]
            np.testing.assert_allclose(ours, expected[name][row], atol=1e-6)
        chamfer = [score["chamfer"] for score in scores]
        np.testing.assert_allclose(chamfer, expected["per_sample"], atol=1e-6)


def test_two_points_in_closed_form():
    cloud = PointCloud([torch.tensor([[0.0, 0, 0], [0.3, 0, 0]])])
    batch = batch_of([torch.tensor([[0.01, 0.0, 0.0], [0.0, 0.0, 0.2]])])
    scores = evaluate(PointDistances(), (cloud, batch))
    # Squares: 0.0001 and 0.0841 from the prediction, 0.0001 and 0.04 from the target.
    assert scores["points/accuracy2"] == pytest.approx((0.0001 + 0.0841) / 2)
    assert scores["points/completeness2"] == pytest.approx((0.0001 + 0.04) / 2)
    assert scores["points/chamfer"] == pytest.approx(0.0842 / 2 + 0.0401 / 2)
    assert scores["points/chamfer_x1000"] == 1000 * scores["points/chamfer"]
    assert scores["points/f_score"] == scores["points/recall"] == 0.5


def test_the_threshold_is_of_squares_and_must_not_be_reached():
    cloud = PointCloud([torch.zeros(1, 3)])
    for height, met in ((0.25, 0.0), (0.2499, 1.0)):
        batch = batch_of([torch.tensor([[0.0, 0.0, height]])])
        scores = evaluate(PointDistances(f_threshold=0.0625), (cloud, batch))
        assert scores["points/f_score"] == met


def test_every_representation_is_compared():
    def logits(codes, points):
        return 40 * (codes - points.norm(dim=2))

    field = OccupancyField(
        torch.tensor([[0.3], [0.4]]),
        lambda codes, points: torch.sigmoid(logits(codes, points)),
        decode_logits=logits,
        threshold=0.5,
    )
    sphere = torch.nn.functional.normalize(torch.randn(2, 3000, 3), dim=2)
    batch = batch_of([sphere[0] * 0.3, sphere[1] * 0.4])
    representations = {
        "field": field,
        "mesh": field.to_mesh(),
        "voxels": Voxels(field.to_voxels(32).probabilities, 0.5),
        "points": PointCloud(field.to_points(3000, seed=5).points),
    }
    # Two samples of 3,000 points: 2 A / (pi 3000) is the floor.
    floor = 2 * 4 * math.pi * (0.3**2 + 0.4**2) / 2 / (math.pi * 3000)
    for points in ("surface", "vertices"):
        for name, structure in representations.items():
            metric = PointDistances(3000, points=points)
            scores = evaluate(metric, (structure, batch))
            assert scores["points/chamfer"] < 3 * floor, (name, points)
            if points == "surface":
                assert scores["points/chamfer"] > 0.8 * floor, (name, points)
            assert scores["points/f_score"] > 0.95, (name, points)


def test_vertices_are_those_of_the_mesh_with_or_without_faces():
    vertices, target = random_clouds(50, 80)
    faces = torch.randint(0, 50, (10, 3))
    mesh, cloud = Mesh([vertices], [faces]), PointCloud([vertices])
    batch = batch_of([target])
    expected = by_hand(vertices, target)
    for sample in (mesh, cloud):
        scores = evaluate(PointDistances(), (sample, batch))
        assert scores["points/chamfer"] == pytest.approx(expected, rel=1e-5)
    drawn = evaluate(PointDistances(20, points="surface"), (mesh, batch))
    assert drawn["points/chamfer"] != pytest.approx(expected, rel=1e-3)


def test_first_points_of_the_target():
    points, target = random_clouds(50, 80)
    metric = PointDistances(target_points=30)
    scores = evaluate(metric, (PointCloud([points]), batch_of([target])))
    expected = by_hand(points, target[:30])
    assert scores["points/chamfer"] == pytest.approx(expected, rel=1e-5)
    assert metric.table.protocol["target_points"] == 30


def test_mean_over_batches_weighs_a_short_last_one_fully():
    clouds, targets = random_clouds(9, 9, 9), random_clouds(8, 8, 8)
    batches = [
        (PointCloud(clouds[:2]), batch_of(targets[:2])),
        (PointCloud(clouds[2:]), batch_of(targets[2:])),
    ]
    each = [by_hand(*pair) for pair in zip(clouds, targets, strict=True)]
    scores = evaluate(PointDistances(), *batches)
    assert scores["points/chamfer"] == pytest.approx(sum(each) / 3, rel=1e-5)
    metric = PointDistances(mean="batches")
    for _ in range(2):  # nothing stays of the evaluation before
        scores = evaluate(metric, *batches)
        published = ((each[0] + each[1]) / 2 + each[2]) / 2
        assert scores["points/chamfer"] == pytest.approx(published, rel=1e-5)
    assert metric.table.overall[0] == pytest.approx(1000 * sum(each) / 3, rel=1e-5)
    key = "Chamfer x1000, mean over mini-batches"
    assert metric.table.summary[key] == scores["points/chamfer_x1000"]


def test_both_sets_are_brought_into_the_unit_ball():
    clouds, targets = random_clouds(50, 50), random_clouds(80, 60)
    targets = [target[:60] for target in targets]
    moved = [3 * points + 1 for points in clouds]
    batch = batch_of([3 * target + 1 for target in targets])
    metric = PointDistances(normalization="UnitBall")
    scores = evaluate(metric, (PointCloud(moved), batch))
    expected = 0
    for points, target in zip(clouds, targets, strict=True):
        radius = (target - target.mean(0)).norm(dim=1).amax()
        expected += by_hand(points, target) / float(radius) ** 2 / 2
    assert scores["points/chamfer"] == pytest.approx(expected, rel=1e-4)
    assert metric.table.protocol["normalization"] == "UnitBall"


def test_predictions_are_rotated_back():
    points = random_clouds(40, 40)
    rotations = torch.linalg.qr(torch.randn(2, 3, 3))[0]
    seen = PointCloud([p @ r.T for p, r in zip(points, rotations, strict=True)])
    batch = batch_of(points, camera_rotation=rotations)
    turned = evaluate(PointDistances(), (seen, batch))
    assert turned["points/chamfer"] > 1e-3
    back = evaluate(PointDistances(rotate_back=True), (seen, batch))
    assert back["points/chamfer"] == pytest.approx(0, abs=1e-10)
    with pytest.raises(KeyError, match="PointDistances: expected 'camera_rotation'"):
        evaluate(PointDistances(rotate_back=True), (seen, batch_of(points)))


@pytest.mark.parametrize("method", ["auction", "exact"])
def test_earth_mover_distance(method):
    points = random_clouds(64)[0]
    moved = points[torch.randperm(64)] + torch.tensor([0.002, 0.0, 0.0])
    metric = PointDistances(emd_points=64, emd_method=method)
    scores = evaluate(metric, (PointCloud([points]), batch_of([moved])))
    assert scores["points/emd"] == pytest.approx(0.002, rel=2e-3)
    assert metric.table.columns[-1] == "EMD x100"
    assert metric.table.overall[-1] == pytest.approx(0.2, rel=2e-3)
    fewer = PointDistances(emd_points=100, emd_method=method)
    scores = evaluate(fewer, (PointCloud([points]), batch_of([moved])))
    assert 0 < scores["points/emd"] < 1


def test_empty_and_flat_predictions_get_the_worst_figures():
    nothing = Mesh([torch.zeros(0, 3)], [torch.zeros(0, 3, dtype=torch.int64)])
    flat = Mesh([torch.zeros(3, 3)], [torch.tensor([[0, 1, 2]])])
    none = PointCloud([torch.zeros(0, 3)])
    metric = PointDistances(100, points="surface", emd_points=10)
    samples = [nothing, flat, none]
    scores = evaluate(metric, (samples, batch_of(random_clouds(20, 20, 20))))
    assert scores["points/chamfer"] == 8
    assert scores["points/emd"] == 2
    assert scores["points/f_score"] == scores["points/precision"] == 0


def test_table_of_categories_with_published_figures(tmp_path):
    clouds, targets = random_clouds(30, 30, 30), random_clouds(40, 40, 40)
    published = {"chair": {"chamfer_x1000": 2.54, "f_score": 0.63}}
    metric = PointDistances(baselines=published, protocol={"split": "test"})
    scores = evaluate(metric, (PointCloud(clouds), batch_of(targets, [0, 1, 0])))
    each = [1000 * by_hand(*pair) for pair in zip(clouds, targets, strict=True)]
    table = metric.table
    assert [(row.name, row.count) for row in table.rows] == [("chair", 2), ("lamp", 1)]
    chair = (each[0] + each[2]) / 2
    assert table.rows[0].values[0] == pytest.approx(chair, rel=1e-5)
    mean = scores["points/chamfer_x1000_category_mean"]
    assert mean == pytest.approx((chair + each[1]) / 2, rel=1e-5)
    label = "F@0.001 (squared)"
    assert table.rows[0].published == {"Chamfer x1000": 2.54, label: 0.63}
    assert table.protocol["chamfer"].startswith("squared, mean per direction, sum")
    assert table.protocol["unit"] == "radius of the unit ball"
    assert ResultTable.from_json(_written(table, tmp_path)) == table
    worst = max(metric.samples, key=lambda sample: sample["chamfer"])
    assert worst["chamfer"] == pytest.approx(max(each) / 1000, rel=1e-5)


def _written(table, folder):
    table.to_json(folder / "table.json")
    return folder / "table.json"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"points": "corners"}, "points: expected 'surface' or 'vertices'"),
        ({"num_points": 0}, "num_points: expected at least 1, found 0"),
        ({"target_points": 0}, "target_points: expected at least 1, found 0"),
        ({"mean": "median"}, "mean: expected 'samples' or 'batches', found 'median'"),
        ({"f_threshold": 0}, "f_threshold: expected more than 0, found 0"),
        ({"emd_points": -1}, "emd_points: expected 0 or more, found -1"),
        ({"emd_method": "sinkhorn"}, "emd_method: expected 'auction' or 'exact'"),
    ],
)
def test_wrong_arguments_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        PointDistances(**change)


def test_missing_points_are_named():
    batch = {"voxels": torch.zeros(1), "sample_id": ["a/b"], "category": [0]}
    with pytest.raises(KeyError, match="PointDistances: expected 'surface_points'"):
        PointDistances().process(batch, [PointCloud(random_clouds(3))])
