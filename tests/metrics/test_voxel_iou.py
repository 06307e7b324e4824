# SPDX-License-Identifier: Apache-2.0
"""Voxel IoU in closed form, and as the metric of a runner."""

import math

import pytest
import torch

from svr3d.metrics import VoxelIoU
from svr3d.metrics.voxel_counts import (
    average_precision,
    counts_to_iou,
    mean_bce,
    voxel_counts,
)
from svr3d.structures.voxels import Voxels

META = {
    "categories": ["chair", "lamp"],
    "taxonomy_ids": ["03001627", "03636649"],
    "baselines": {
        "chair": {"1-view": 0.466, "2-view": 0.515},
        "lamp": {"2-view": 0.406},
    },
}


def box(*stops, resolution=8):
    grid = torch.zeros(1, resolution, resolution, resolution)
    x, y, z = stops
    grid[:, :x, :y, :z] = 1
    return grid


def evaluate(metric, samples, views=2):
    """Evaluate (sample id, category, prediction, target) one at a time."""
    for sample_id, category, prediction, target in samples:
        batch = {
            "voxels": target.byte(),
            "images": torch.empty(1, views, 0),
            "category": torch.tensor([category]),
            "sample_id": [sample_id],
        }
        metric.process(batch, list(Voxels(prediction)))
    return metric.evaluate(len(samples))


def test_boxes_in_closed_form():
    prediction, target = box(4, 4, 4), box(4, 4, 2)
    counts = voxel_counts(prediction, target, (0.5,))
    assert counts.tolist() == [[[32, 32, 64, 32, 0]]]
    assert counts_to_iou(counts).item() == 0.5
    swapped = voxel_counts(target, prediction, (0.5,))
    assert swapped.tolist() == [[[32, 32, 64, 0, 32]]]


def test_two_empty_grids_agree():
    empty = torch.zeros(1, 4, 4, 4)
    assert counts_to_iou(voxel_counts(empty, empty, (0.5,))).item() == 1.0
    full = voxel_counts(empty + 1, empty, (0.5,))
    assert counts_to_iou(full).item() == 0.0


def test_threshold_is_reached_by_its_own_float32_value():
    # The float32 next to 0.3 lies above it, the one next to 0.7 below.
    for threshold in (0.2, 0.3, 0.4, 0.7):
        value = torch.full((1, 2, 2, 2), threshold, dtype=torch.float32)
        counts = voxel_counts(value, torch.ones_like(value), (threshold,))
        assert counts_to_iou(counts).item() == 1.0
        below = torch.nextafter(value, torch.zeros_like(value))
        counts = voxel_counts(below, torch.ones_like(value), (threshold,))
        assert counts_to_iou(counts).item() == 0.0


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"\(1, 4, 4, 4\)"):
        voxel_counts(torch.zeros(1, 2, 2, 2), torch.zeros(1, 4, 4, 4), (0.5,))


def test_cross_entropy_and_precision():
    half = torch.full((1, 2, 2, 2), 0.5)
    assert mean_bce(half, half > 0).item() == pytest.approx(math.log(2))
    ranked = torch.linspace(1, 0, 8).view(1, 2, 2, 2)
    target = (ranked > 0.5).float()
    assert average_precision(ranked, target).item() == pytest.approx(1.0)
    # All equal: one step, precision = share of occupied voxels.
    assert average_precision(half, target).item() == pytest.approx(0.5)
    assert average_precision(half, target * 0).item() == 0.0


def test_table_and_selection_score():
    metric = VoxelIoU((0.25, 0.75), protocol={"split": "test", "views": 5})
    metric.dataset_meta = META
    target = box(4, 4, 4)
    samples = [
        ("03636649/a", 1, 0.5 * box(4, 4, 2), target),  # 0.5, then 0
        ("03001627/b", 0, box(4, 4, 4), target),  # 1, 1
        ("03001627/c", 0, box(4, 4, 1), target),  # 0.25, 0.25
    ]
    scores = evaluate(metric, samples)
    assert scores["voxel/iou_t0.25"] == pytest.approx(1.75 / 3)
    assert scores["voxel/iou_t0.75"] == pytest.approx(1.25 / 3)
    assert scores["voxel/iou_max"] == pytest.approx(1.75 / 3)
    assert scores["voxel/iou_max_threshold"] == 0.25
    assert scores["voxel/iou_category_mean"] == pytest.approx((0.5 + 0.625) / 2)
    table = metric.table
    assert [row.name for row in table.rows] == ["lamp", "chair"]
    assert [row.count for row in table.rows] == [1, 2]
    assert [row.baseline for row in table.rows] == [0.406, 0.515]
    assert table.rows[1].taxonomy_id == "03001627"
    assert table.protocol == {"split": "test", "views": 2}
    assert table.overall_baseline == pytest.approx((0.406 + 2 * 0.515) / 3)
    assert metric.samples[2] == {
        "sample_id": "03001627/c",
        "category": "chair",
        "t=0.25": 0.25,
        "t=0.75": 0.25,
        "test_bce": pytest.approx(10 * 100 * 48 / 512),
    }
    assert scores["voxel/test_bce"] == pytest.approx(
        sum(row["test_bce"] for row in metric.samples) / 3
    )


def test_counts_of_views_without_baseline():
    metric = VoxelIoU((0.5,), bce_weight=None, with_counts=True)
    metric.dataset_meta = META
    evaluate(metric, [("03636649/a", 1, box(2, 2, 2), box(2, 2, 1))], views=1)
    assert metric.table.rows[0].baseline is None
    assert "N/a" in metric.table.to_text()
    assert metric.samples[0]["xor t=0.50"] == 4
    assert metric.samples[0]["false_positives t=0.50"] == 4


def test_prediction_is_resampled_to_the_target():
    metric = VoxelIoU((0.5,), bce_weight=None)
    metric.dataset_meta = META
    fine = box(8, 8, 4, resolution=16)
    scores = evaluate(metric, [("03001627/a", 0, fine, box(4, 4, 2))])
    assert scores["voxel/iou_max"] == 1.0


def test_without_metainfo_the_sample_ids_name_categories():
    metric = VoxelIoU((0.5,))
    evaluate(metric, [("kettle/a", 3, box(2, 2, 2), box(2, 2, 2))])
    assert metric.table.rows[0].name == "kettle"
