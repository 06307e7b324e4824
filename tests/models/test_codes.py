# SPDX-License-Identifier: Apache-2.0
"""Codes of methods, and shapes of codes that no image has."""

import pytest
import torch
from mmengine.registry import MODELS
from torch import nn

from svr3d.errors import ConfigError
from svr3d.models.backbones import SameConvEncoder
from svr3d.models.heads import AtlasNetHead
from svr3d.models.losses import SilhouetteBCE
from svr3d.models.point_networks import EncodedShape, PoseNetwork, ShapeColorNetwork
from svr3d.models.reconstructors import SelfSupervisedPoints
from svr3d.models.reconstructors.base import BaseReconstructor
from svr3d.models.templates import SphereTemplate
from svr3d.renderers import PointRenderer
from svr3d.structures import Mesh, PointCloud

SIZE = 16
BACKBONE = dict(type="SimpleConvEncoder", out_features=8, widths=(4, 6))
VOXELS = dict(
    type="VoxelDecoder",
    widths=(4, 4, 2),
    depths=(1, 1),
    upsamplings=2,
    grid_size=2,
    code_features=8,
)
REFINER = dict(type="VoxelRefiner", widths=(2, 2), hidden_features=8, resolution=8)


def voxel_model(**options):
    settings = dict(type="EncoderDecoder", backbone=BACKBONE, head=VOXELS)
    torch.manual_seed(3)
    model = MODELS.build(settings | options).eval()
    nn.init.normal_(model.head.to_logits.weight)
    return model


def images(views=2):
    return {"images": torch.rand(2, views, 3, 32, 32)}


@torch.no_grad()
def test_volumes_have_a_code_of_each_view():
    model = voxel_model(
        fusion=dict(type="ContextAwareFusion", in_channels=3), fuse="volumes"
    )
    batch = images()
    codes = model.code(batch)
    assert codes.shape == (2, 2, 8)
    expected = model.predict(batch).probabilities
    torch.testing.assert_close(model.decode(codes).probabilities, expected)
    # The views' order is of no meaning, another view's code is.
    torch.testing.assert_close(model.decode(codes.flip(1)).probabilities, expected)
    codes[:, 1] = codes[:, 0]
    assert not torch.allclose(model.decode(codes).probabilities, expected)


@torch.no_grad()
def test_decoding_refines():
    model = voxel_model(refiner=REFINER)
    batch = images(1)
    found = model.decode(model.code(batch)).probabilities
    torch.testing.assert_close(found, model.predict(batch).probabilities)
    plain = voxel_model().decode(model.code(batch)).probabilities
    assert not torch.allclose(found, plain)


@torch.no_grad()
def test_mirrored_models_decode_the_picture_as_it_is():
    model = voxel_model(mirror_axis="x")
    batch = images(1)
    turned = {"images": batch["images"].flip(-1)}
    one, other = (model.decode(model.code(b)).probabilities for b in (batch, turned))
    mean = (one + other.flip(1)) / 2
    torch.testing.assert_close(mean, model.predict(batch).probabilities)


def encoder(width):
    return SameConvEncoder(width, image_size=SIZE, widths=(4, 8), kernels=(3, 3))


def colored():
    return ShapeColorNetwork(encoder(8), encoder(6), num_points=30, hidden_features=8)


def atlas():
    settings = dict(hidden_features=8, num_points=30, num_points_eval=30)
    return EncodedShape(
        encoder(8), AtlasNetHead(SphereTemplate(), features=8, **settings)
    )


class Codeless(nn.Module):
    def forward(self, images):
        return {"points": images.flatten(2).transpose(1, 2)}


def self_supervised(shape, **options):
    pose = PoseNetwork(encoder(8), hidden_features=(8,))
    settings = dict(losses={"mask": SilhouetteBCE()}, shape_weights={"mask": 1.0})
    return SelfSupervisedPoints(
        shape, pose, PointRenderer(SIZE), **settings | options
    ).eval()


@pytest.mark.parametrize(
    "shape, width, kind", [(colored, 14, PointCloud), (atlas, 8, Mesh)]
)
@pytest.mark.parametrize("inputs", ["images", "masks"])
@torch.no_grad()
def test_shape_networks(shape, width, kind, inputs):
    model = self_supervised(shape(), inputs=inputs)
    batch = {"images": torch.rand(2, 1, 3, SIZE, SIZE)}
    batch["masks"] = batch["images"][:, :, 0].round()
    codes = model.code(batch)
    assert codes.shape == (2, width)
    found, expected = model.decode(codes), model.predict(batch)
    assert type(found) is kind
    parts = ("points", "colors") if kind is PointCloud else ("vertices", "faces")
    for name in parts:
        for a, b in zip(getattr(found, name), getattr(expected, name), strict=True):
            torch.testing.assert_close(a, b)
    between = codes.mean(0, keepdim=True)
    assert len(model.decode(between)) == 1


def test_networks_without_codes():
    batch = {"images": torch.rand(2, 1, 3, SIZE, SIZE)}
    with pytest.raises(ConfigError, match="shape: .*'encode'.*found Codeless"):
        self_supervised(Codeless()).code(batch)


def test_methods_without_codes():
    class Plain(BaseReconstructor):
        def loss(self, batch):
            return {}

        def predict(self, batch):
            return None

    with pytest.raises(ConfigError, match="Plain: expected a method with a code"):
        Plain().code({})
    with pytest.raises(ConfigError, match="Plain: .*'decode'"):
        Plain().decode(torch.zeros(1, 2))
