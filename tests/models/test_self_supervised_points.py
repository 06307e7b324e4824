# SPDX-License-Identifier: Apache-2.0
"""The reconstructor that learns from images and masks, with small networks."""

import pytest
import torch
from torch.optim import SGD

from svr3d.engine.part_optimizers import PartOptimizers
from svr3d.errors import ConfigError
from svr3d.models.backbones import SameConvEncoder
from svr3d.models.heads import AtlasNetHead, FoldNetHead
from svr3d.models.losses import (
    ImageDifference,
    PoseCycle,
    ShapeCycle,
    SilhouetteAffinity,
    SilhouetteBCE,
)
from svr3d.models.point_networks import (
    EncodedShape,
    PoseNetwork,
    ShapeColorNetwork,
    ShapeRefinement,
)
from svr3d.models.reconstructors import SelfSupervisedPoints
from svr3d.models.templates import SphereTemplate, SquareTemplate
from svr3d.renderers import PointRenderer
from svr3d.structures import Mesh, PointCloud

SIZE = 16


def encoder():
    return SameConvEncoder(8, image_size=SIZE, widths=(4, 8), kernels=(3, 3))


def colored():
    network = ShapeColorNetwork(encoder(), encoder(), num_points=30, hidden_features=8)
    with torch.no_grad():
        network.to_points.bias.normal_(0, 0.2)
    return network


def atlas():
    head = AtlasNetHead(
        SphereTemplate(),
        features=8,
        hidden_features=8,
        num_points=30,
        num_points_eval=30,
    )
    return EncodedShape(encoder(), head)


LOSSES = {
    "silhouette": SilhouetteBCE(),
    "outside": SilhouetteAffinity("outside"),
    "shape_cycle": ShapeCycle(),
    "pose_cycle": PoseCycle(),
}


def build(shape=None, **changes):
    settings = dict(
        losses=LOSSES | {"image": ImageDifference()},
        shape_weights=dict(silhouette=1.0, outside=1e-6, shape_cycle=10.0, image=1.0),
        pose_weights=dict(silhouette=1.0, image=1.0, pose_cycle=1.0),
        num_views=3,
    )
    pose = PoseNetwork(encoder(), hidden_features=(8,))
    return SelfSupervisedPoints(
        shape or colored(), pose, PointRenderer(SIZE), **settings | changes
    )


def folded():
    template = SquareTemplate()
    head = FoldNetHead(template, code_features=8, hidden_features=8, num_points=16)
    return EncodedShape(encoder(), head)


def from_masks(shape=None, **changes):
    settings = dict(
        losses=LOSSES,
        shape_weights=dict(silhouette=1.0, outside=1e-6, shape_cycle=10.0),
        pose_weights=dict(silhouette=1.0, pose_cycle=1.0),
        inputs="masks",
    )
    return build(shape or atlas(), **settings | changes)


def folded_from_masks():
    return from_masks(folded())


@pytest.fixture
def batch():
    masks = torch.zeros(2, 1, SIZE, SIZE)
    masks[:, :, 4:12, 5:11] = 1
    return {
        "images": torch.rand(2, 1, 3, SIZE, SIZE) * masks[:, :, None],
        "masks": masks,
        "sample_id": ["a", "b"],
    }


def optimizers(model, *parts, lr=1.0):
    config = {name: dict(optimizer=dict(type=SGD, lr=lr)) for name in parts}
    return PartOptimizers(config)(model)


@pytest.mark.parametrize("make", [build, from_masks, folded_from_masks])
def test_each_sum_moves_its_own_part_alone(make, batch):
    model = make().train()
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    torch.manual_seed(1)
    losses = model.loss(batch)
    slopes = {}
    for part in ("shape", "pose"):
        pairs = list(getattr(model, part).named_parameters())
        grads = torch.autograd.grad(
            losses[f"loss_{part}"], [p for _, p in pairs], retain_graph=True
        )
        for (name, _), grad in zip(pairs, grads, strict=True):
            slopes[f"{part}.{name}"] = grad
    torch.manual_seed(1)
    logs = model.train_step(batch, optimizers(model, "shape", "pose"))
    assert set(logs) == {"loss", "loss_shape", "loss_pose", *model.losses}
    for name, value in model.named_parameters():
        torch.testing.assert_close(value, before[name] - slopes[name], msg=name)
    assert all(float(slope.abs().sum()) > 0 for slope in slopes.values())


def test_predictions(batch):
    clouds = build().eval().predict(batch)
    assert isinstance(clouds, PointCloud)
    assert clouds.points.shape == clouds.colors.shape == (2, 30, 3)
    assert clouds.poses.shape == (2, 2)
    assert isinstance(from_masks().eval().predict(batch), Mesh)


def test_true_poses_train_the_shape_alone(batch):
    weights = dict(silhouette=1.0, outside=1e-6, shape_cycle=10.0)
    losses = {name: LOSSES[name] for name in weights}
    model = build(
        true_poses=True, losses=losses, shape_weights=weights, pose_weights=None
    )
    with pytest.raises(ValueError, match="'poses' .true_poses"):
        model.loss(batch)
    batch["poses"] = torch.tensor([[[0.5, 0.1]], [[-2.0, 0.3]]])
    assert torch.equal(model.outputs(batch)["poses"][:, 0], batch["poses"][:, 0])
    model.train_step(batch, optimizers(model, "shape"))
    with pytest.raises(ConfigError, match="PartOptimizers of shape; found"):
        model.train_step(batch, optimizers(model, "shape", "pose"))


def test_neighbors_are_seen_from_their_own_poses(batch):
    keys = ("neighbor_silhouettes", "neighbor_masks")
    weights = dict(neighbor=1.0)
    losses = dict(neighbor=SilhouetteBCE(keys=keys))
    model = build(
        neighbors=True, losses=losses, shape_weights=weights, pose_weights=None
    )
    with pytest.raises(ValueError, match="expected 'neighbor_images'"):
        model.loss(batch)
    batch["neighbor_images"] = batch["images"].flip(0).repeat(1, 2, 1, 1, 1)
    batch["neighbor_masks"] = batch["masks"].repeat(1, 2, 1, 1)
    outputs = model.outputs(batch)
    seen = model.renderer(outputs["points"], outputs["poses"][:, 0].flip(0)).silhouette
    for drawn in outputs["neighbor_silhouettes"].unbind(1):
        torch.testing.assert_close(drawn, seen)
    assert torch.isfinite(model.loss(batch)["loss_shape"])


def test_refinement_fits_the_image_and_leaves_the_network(batch):
    model = build(refinement=dict(type=ShapeRefinement, steps=15, lr=3e-3)).eval()
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    refined = model.predict(batch)
    assert all(torch.equal(p, before[name]) for name, p in model.named_parameters())
    model.refinement = None
    plain = model.predict(batch)
    poses = plain.poses
    costs = [
        model.losses["silhouette"](
            {"silhouettes": model.renderer(cloud.points, poses).silhouette[:, None]},
            batch,
        )
        for cloud in (plain, refined)
    ]
    assert costs[1] < costs[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(num_views=0), "num_views"),
        (dict(inputs="sketches"), "inputs"),
        (dict(elevations=(40, -20)), "elevations"),
        (dict(pose_weights=dict(missing=1.0)), "missing"),
    ],
)
def test_bad_settings(change, message):
    with pytest.raises(ValueError, match=message):
        build(**change)


def test_bad_batches(batch):
    with pytest.raises(ValueError, match="emits no colours"):
        from_masks(inputs="images").loss(batch)
    with pytest.raises(ValueError, match="one view per sample, found 2"):
        build().loss({"images": batch["images"].repeat(1, 2, 1, 1, 1)})
    with pytest.raises(ValueError, match="expected 'images', found 'masks'"):
        build().loss({"masks": batch["masks"]})


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "at least one part"),
        ({"shape": dict(lr=1.0)}, "optim_wrapper.shape: expected dict"),
        ({"head": dict(optimizer=dict(type=SGD, lr=1.0))}, "no such part"),
    ],
)
def test_optimizers_of_parts_that_are_not_there(config, message):
    with pytest.raises(ConfigError, match=message):
        PartOptimizers(config)(build())


def test_optimizers_share_nothing():
    model = build()
    model.pose.backbone = model.shape.backbone
    with pytest.raises(ConfigError, match="share parameters"):
        optimizers(model, "shape", "pose")
