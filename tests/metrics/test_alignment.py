# SPDX-License-Identifier: Apache-2.0
"""Rotations between frames are found again, and metrics take them out."""

import json
import math

import pytest
import torch

from svr3d.errors import ConfigError, DataError
from svr3d.geometry.pose_camera import from_pose_axes, pose_rotation, to_pose_axes
from svr3d.geometry.rotations import nearest_rotation, rotation_angle
from svr3d.metrics import AlignedPointDistances, PointDistances, PoseErrors
from svr3d.metrics.aligned_point_distances import color_error, to_unit_box
from svr3d.metrics.alignment import (
    align_by_descent,
    align_by_poses,
    align_by_search,
    read_rotations,
    write_rotations,
)
from svr3d.metrics.pose_errors import pose_errors
from svr3d.structures import PointCloud

TURN = pose_rotation(torch.tensor([2.0, -0.9, 1.3]))
META = {"categories": ["chair", "lamp"], "taxonomy_ids": ["03001627", "03636649"]}


def odd_clouds(count, points=300):
    """Clouds without symmetry that differ from object to object."""
    generator = torch.Generator().manual_seed(1)
    sides = torch.tensor([0.6, 0.3, 0.15]) * (
        1 + 0.3 * torch.rand(count, 1, 3, generator=generator)
    )
    clouds = sides * (torch.rand(count, points, 3, generator=generator) - 0.5)
    clouds[..., 1] += clouds[..., 0].clamp_min(0.1)
    clouds[..., 2] += (clouds[..., 0] - clouds[..., 1]).clamp_max(0) * 0.5
    return clouds - (clouds.amin(1, True) + clouds.amax(1, True)) / 2


@pytest.mark.parametrize(
    "angles", [(2.0, -0.9, 1.3), (-3.0, 0.1, 0.0), (0.0, 1.6, 3.1)]
)
def test_search_finds_any_rotation(angles):
    turn = pose_rotation(torch.tensor(angles))
    target = odd_clouds(4)
    noise = 0.005 * torch.randn_like(target)
    found = align_by_search((target + noise) @ turn, target)
    off = torch.rad2deg(rotation_angle(found.rotation @ turn.T))
    assert off < 1 and found.chamfer < 3e-4


def test_descent_stays_where_it_starts():
    target = odd_clouds(2, 100)
    predicted = target @ TURN
    near = torch.rad2deg(torch.tensor([2.0, -0.9, 1.3])) + 5
    settings = {"iterations": 60, "learning_rate": 5e-3}
    close = align_by_descent(predicted, target, start=near.tolist(), **settings)
    far = align_by_descent(predicted, target, **settings)
    assert rotation_angle(close.rotation @ TURN.T) < 0.03
    assert rotation_angle(far.rotation @ TURN.T) > 0.5 and far.chamfer > close.chamfer
    assert close.steps.shape == (60, 4)
    torch.testing.assert_close(close.steps[0, :3], near)
    assert close.steps[-1, 3] < close.steps[0, 3]


def test_poses_tell_the_rotation():
    """A third of the poses may be wrong: the median of rotations does not move."""
    true = torch.rand(30, 2) * torch.tensor([6.0, 1.0]) - torch.tensor([3.0, 0.3])
    # Angles of a frame that is turned about the first axis: others need a tilt.
    offset = torch.tensor([0.7, 0.0])
    turned = from_pose_axes(torch.eye(3)).T @ pose_rotation(offset)
    found = align_by_poses(true + offset, true).rotation
    torch.testing.assert_close(found, turned, atol=1e-5, rtol=0)
    assert pose_errors(true + offset, true, found).max() < 0.1
    wrong = (true + offset).clone()
    wrong[::3, 0] += math.pi
    found = align_by_poses(wrong, true).rotation
    errors = pose_errors(wrong, true, found)
    assert errors[1::3].max() < 1 and errors[::3].min() > 90
    mean = align_by_poses(wrong, true, rounds=0).rotation
    assert pose_errors(wrong, true, mean).median() >= errors.median()


def test_nearest_rotation_is_no_reflection():
    matrix = torch.diag(torch.tensor([1.0, 1.0, -0.2]))
    torch.testing.assert_close(nearest_rotation(matrix), torch.eye(3))
    torch.testing.assert_close(nearest_rotation(2 * TURN), TURN)
    torch.testing.assert_close(
        rotation_angle(pose_rotation(torch.tensor([0.4, 0.0]))), torch.tensor(0.4)
    )


def batch_of(targets, categories=None, **entries):
    return {
        "surface_points": targets,
        "category": torch.tensor(categories or [0] * len(targets)),
        "sample_id": [f"03001627/{index}" for index in range(len(targets))],
        "images": torch.empty(len(targets), 1, 0),
        **entries,
    }


def evaluate(metric, samples, batch):
    metric.dataset_meta = META
    metric.process(batch, list(samples))
    return metric.evaluate(len(samples))


def test_metric_takes_one_rotation_per_category_out(tmp_path):
    targets = odd_clouds(6)
    other = pose_rotation(torch.tensor([0.2, 0.4]))
    predicted = torch.cat([targets[:3] @ TURN, targets[3:] @ other])
    batch = batch_of(targets, [0, 0, 0, 1, 1, 1])
    samples = [PointCloud(cloud[None]) for cloud in predicted]
    path = tmp_path / "rotations/found.json"
    metric = AlignedPointDistances(write_to=str(path), emd_points=300)
    scores = evaluate(metric, samples, batch)
    assert scores["aligned/chamfer_x1000"] < 1e-3
    assert scores["aligned/emd_x100"] < 1e-2
    assert scores["aligned/emd_squared_x1000"] < 1e-3
    assert metric.table.protocol["fitted_to"] == "the evaluated objects"
    known, facts = read_rotations(path)
    torch.testing.assert_close(known["chair"], TURN, atol=1e-3, rtol=0)
    torch.testing.assert_close(known["lamp"], other, atol=1e-3, rtol=0)
    assert facts == {"fit": "search", "objects": {"chair": 3, "lamp": 3}}
    # The same rotations on other objects.
    metric = AlignedPointDistances(rotations=str(path), boxes=False)
    scores = evaluate(metric, samples[2:4], batch_of(targets[2:4], [0, 1]))
    assert scores["aligned/chamfer_x1000"] < 1e-3
    assert metric.table.protocol["fitted_to"] == "other objects"
    unaligned = evaluate(AlignedPointDistances(fit="none"), samples, batch)
    assert unaligned["aligned/chamfer_x1000"] > 10
    content = json.loads(path.read_text())
    del content["rotations"]["lamp"]
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match="expected a rotation of 'lamp'"):
        evaluate(metric, samples, batch)
    path.write_text("{}")
    with pytest.raises(DataError, match="expected rotations by category"):
        read_rotations(path)
    write_rotations(path, {"chair": torch.ones(3, 3)})
    with pytest.raises(DataError, match="chair: expected a rotation"):
        read_rotations(path)


def test_metric_without_alignment_equals_point_distances():
    targets, predicted = odd_clouds(4)[:2], odd_clouds(4)[2:]
    samples = [PointCloud(cloud[None]) for cloud in predicted]
    batch = batch_of(targets)
    settings = {"emd_points": 50, "emd_method": "exact"}
    plain = evaluate(PointDistances(**settings), samples, batch)
    metric = AlignedPointDistances(fit="none", boxes=False, **settings)
    found = evaluate(metric, samples, batch)
    for name, value in plain.items():
        key = name.replace("points/", "aligned/")
        assert found[key] == pytest.approx(value, rel=1e-6), name
    axes = AlignedPointDistances(fit="pose_axes")
    turned = [PointCloud(to_pose_axes(cloud)[None]) for cloud in targets]
    assert evaluate(axes, turned, batch)["aligned/chamfer"] < 1e-9


def test_boxes_hide_scale_and_place():
    cloud = odd_clouds(1)[0]
    box = to_unit_box(3 * cloud + 2)
    assert (box.amax(0) - box.amin(0)).max() == pytest.approx(1)
    torch.testing.assert_close(box.amax(0), -box.amin(0))
    torch.testing.assert_close(box, to_unit_box(cloud))
    outlier = torch.cat([cloud * 0.9, torch.tensor([[50.0, 0, 0]])])
    assert to_unit_box(outlier, clip=0.5)[:-1].abs().max() > 0.4
    assert to_unit_box(outlier)[:-1].abs().max() < 0.52


def test_color_error_by_hand():
    points = torch.tensor([[0.0, 0, 0], [1, 0, 0]])
    target = torch.tensor([[0.1, 0, 0], [0.9, 0, 0], [0.8, 0, 0]])
    colors = torch.tensor([[1.0, 0, 0], [0, 0, 1]])
    true = torch.tensor([[1.0, 0, 0], [0, 0, 0.5], [0, 1, 1]])
    # To the true points: 0 and 0.25; from them: 0, 0.25 and 1.
    expected = 0.25 / 2 + 1.25 / 3
    assert color_error(points, colors, target, true) == pytest.approx(expected)


def with_poses(clouds, poses):
    for cloud, pose in zip(clouds, poses, strict=True):
        sample = PointCloud(cloud[None])
        sample.poses = pose[None]
        yield sample


def test_pose_errors(tmp_path):
    true = torch.rand(10, 1, 2)
    predicted = true[:, 0] + torch.tensor([0.5, 0.0])
    predicted[0, 0] += 0.4
    targets = odd_clouds(10, 50)
    samples = list(with_poses(targets, predicted))
    batch = batch_of(targets, poses=true)
    metric = PoseErrors()
    scores = evaluate(metric, samples, batch)
    assert scores["pose/median"] < 0.5 and scores["pose/accuracy_30"] == 1
    assert scores["pose/accuracy_10"] == pytest.approx(0.9)
    (cameras,) = metric.cameras.values()
    torch.testing.assert_close(cameras[:2], (predicted, true[:, 0]))
    assert float(pose_errors(*cameras).median()) == pytest.approx(
        scores["pose/median"], abs=1e-4
    )
    plain = evaluate(PoseErrors(aligned=False), samples, batch)
    angle = math.degrees(0.5)
    assert plain["pose/median"] == pytest.approx(angle, abs=0.01)
    assert plain["pose/accuracy_10"] == 0
    # The rotation that clouds tell is that of the poses.
    fitted = AlignedPointDistances(fit="poses", write_to=str(tmp_path / "r.json"))
    evaluate(fitted, samples, batch)
    again = evaluate(PoseErrors(rotations=str(tmp_path / "r.json")), samples, batch)
    assert again == pytest.approx(scores, abs=1e-3)
    with pytest.raises(ValueError, match="predictions with poses"):
        evaluate(PoseErrors(), [PointCloud(targets[:1])], batch)


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda: AlignedPointDistances(fit="icp"), ConfigError, "fit: expected one"),
        (
            lambda: AlignedPointDistances(rotations="a", write_to="b"),
            ConfigError,
            "expected one of them",
        ),
        (lambda: PoseErrors([200]), ValueError, "thresholds"),
        (
            lambda: align_by_search(torch.zeros(1, 5, 3), torch.zeros(2, 5, 3)),
            ValueError,
            "as many objects",
        ),
        (
            lambda: align_by_poses(torch.zeros(3, 3), torch.zeros(3, 3)),
            ValueError,
            r"poses \(M, 2\)",
        ),
        (lambda: pose_rotation(torch.zeros(3, 4)), ValueError, "angles"),
    ],
)
def test_what_does_not_fit(make, error, message):
    with pytest.raises(error, match=message):
        make()
