# SPDX-License-Identifier: Apache-2.0
"""IoU at points in closed form, for every representation."""

import math

import pytest
import torch

from svr3d.metrics import PointIoU, merge_tables
from svr3d.structures import Mesh, OccupancyField, PointCloud, Voxels, cell_centres

META = {"categories": ["chair", "lamp"], "taxonomy_ids": ["03001627", "03636649"]}


def ball_field(*radii, threshold=0.5):
    return OccupancyField(
        torch.tensor(radii)[:, None],
        lambda codes, points: torch.sigmoid(40 * (codes - points.norm(dim=2))),
        threshold=threshold,
    )


def make_batch(radii, count=20_000, categories=None):
    points = 1.1 * (torch.rand(len(radii), count, 3) - 0.5)
    labels = points.norm(dim=2) < torch.tensor(radii)[:, None]
    return {
        "points_iou": points,
        "occupancies_iou": labels.float(),
        "category": torch.tensor(categories or [0] * len(radii)),
        "sample_id": [f"03001627/{index}" for index in range(len(radii))],
    }


def evaluate(metric, samples, batch):
    metric.dataset_meta = META
    metric.process(batch, samples)
    return metric.evaluate(len(samples))


@pytest.mark.parametrize("source", ["auto", "mesh", "voxels"])
def test_balls_of_two_sizes(source):
    scores = evaluate(
        PointIoU(source=source, resolution=64),
        list(ball_field(0.3, 0.4)),
        make_batch((0.4, 0.4)),
    )
    expected = ((0.3 / 0.4) ** 3 + 1) / 2
    assert scores["point/iou"] == pytest.approx(expected, abs=0.02)
    assert scores["point/iou_max_threshold"] == 0.5


def test_every_representation_has_an_answer():
    field, batch = ball_field(0.4), make_batch((0.4,))
    for structure, tolerance in (
        (field, 1e-6),
        (field.to_mesh(), 0.01),
        (Voxels(field.to_voxels(32).probabilities, 0.5), 0.07),
    ):
        scores = evaluate(PointIoU(), list(structure), batch)
        assert scores["point/iou"] == pytest.approx(1, abs=tolerance), structure
    filled = cell_centres(32).reshape(-1, 3)
    cloud = PointCloud([filled[filled.norm(dim=1) < 0.4]])
    scores = evaluate(PointIoU(), list(cloud), batch)
    assert scores["point/iou"] == pytest.approx(1, abs=0.07)


def test_thresholds_are_compared_and_the_best_is_reported():
    thresholds = (0.1, 0.5, 0.9)
    metric = PointIoU(thresholds)
    scores = evaluate(metric, list(ball_field(0.4)), make_batch((0.4,)))
    assert scores["point/iou_t0.50"] == scores["point/iou_max"] == scores["point/iou"]
    assert scores["point/iou_max_threshold"] == 0.5
    shift = math.log(0.9 / 0.1) / 40
    assert scores["point/iou_t0.90"] == pytest.approx(
        ((0.4 - shift) / 0.4) ** 3, abs=0.02
    )
    assert metric.table.columns == ("t=0.10", "t=0.50", "t=0.90")
    assert metric.samples[0]["t=0.50"] == scores["point/iou"]


def test_own_threshold_moves_field_and_mesh_alike():
    batch = make_batch((0.4,))
    expected = (0.4 / (0.4 + math.log(4) / 40)) ** 3
    for source in ("field", "mesh"):
        field = ball_field(0.4, threshold=0.2)
        scores = evaluate(PointIoU(source=source), list(field), batch)
        assert scores["point/iou"] == pytest.approx(expected, abs=0.02)
        assert scores["point/iou_max_threshold"] == 0.2


@pytest.mark.parametrize("source", ["field", "mesh"])
def test_nothing_inside(source):
    batch = make_batch((0.4, 0.0))
    batch["occupancies_iou"][:] = 0
    field = ball_field(-2.0, 0.3)
    scores = evaluate(PointIoU(source=source), list(field), batch)
    assert scores["point/iou"] == 0.5
    metric = PointIoU(source=source, empty_union=float("nan"))
    evaluate(metric, list(field), batch)
    assert math.isnan(metric.samples[0]["IoU"]) and metric.samples[1]["IoU"] == 0


def test_means_of_categories_and_published_figures():
    metric = PointIoU(
        baselines={"chair": {"iou": 0.53}, "03636649": {"iou": 0.4}},
        protocol={"split": "test"},
    )
    batch = make_batch((0.4, 0.4, 0.4), categories=[0, 1, 0])
    scores = evaluate(metric, list(ball_field(0.4, 0.3, 0.2)), batch)
    values = [row["IoU"] for row in metric.samples]
    assert scores["point/iou"] == pytest.approx(sum(values) / 3)
    expected = ((values[0] + values[2]) / 2 + values[1]) / 2
    assert scores["point/iou_category_mean"] == pytest.approx(expected)
    assert metric.table.rows[1].published == {"IoU": 0.4}
    assert metric.table.published_mean("IoU") == pytest.approx(0.465)
    assert metric.table.protocol["points"] == 20_000


def test_voxels_and_fields_stand_in_one_table():
    batch, tables = make_batch((0.4,)), {}
    field = ball_field(0.4, threshold=0.2)
    for name, structure in (("field", field), ("voxels", field.to_voxels(16))):
        metric = PointIoU()
        evaluate(metric, list(structure), batch)
        tables[name] = metric.table
    merged = merge_tables(tables)
    assert merged.columns == ("field IoU", "voxels IoU")


def test_points_outside_of_the_grid_are_outside():
    solid = Voxels(torch.ones(1, 4, 4, 4))
    points = torch.tensor([[[0.49, 0, 0], [0.51, 0, 0], [-0.51, 0, 0], [-0.5, 0, 0]]])
    assert solid.at(points).tolist() == [[1, 0, 0, 1]]
    assert solid.at(points, truncate=True).tolist() == [[1, 0, 1, 1]]


def test_tetrahedron_by_either_rule():
    corners = torch.tensor([[0, 0, 0], [0.4, 0, 0], [0, 0.4, 0], [0, 0, 0.4]])
    faces = torch.tensor([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    batch = make_batch((0.4,))
    p = batch["points_iou"]
    batch["occupancies_iou"] = ((p > 0).all(2) & (p.sum(2) < 0.4)).float()
    for rule in ("hash", "parity"):
        metric = PointIoU(inside_rule=rule)
        scores = evaluate(metric, [Mesh([corners], [faces])], batch)
        assert scores["point/iou"] == 1.0


def test_missing_key_and_wrong_arguments_are_named():
    with pytest.raises(KeyError, match="PointIoU: expected 'points_iou'"):
        PointIoU().process({"sample_id": ["a"]}, [])
    with pytest.raises(ValueError, match="source: expected one of"):
        PointIoU(source="cells")
    with pytest.raises(ValueError, match="thresholds: expected None for source 'mesh'"):
        PointIoU((0.2,), source="mesh")
