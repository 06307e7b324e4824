# SPDX-License-Identifier: Apache-2.0
"""The supervised reconstructor, its preprocessor and its loss."""

import math

import pytest
import torch
from mmengine.optim import OptimWrapper
from mmengine.registry import MODELS

from svr3d.errors import NonFiniteLossError
from svr3d.models.data_preprocessors import ImagePreprocessor
from svr3d.models.losses import VoxelBCE

SMALL = dict(
    type="EncoderDecoder",
    data_preprocessor=dict(type="ImagePreprocessor"),
    backbone=dict(
        type="ResidualEncoder",
        widths=(4, 4, 4),
        shortcuts=("none", "projection", "identity"),
        image_size=16,
        out_features=8,
    ),
    fusion=dict(type="GRU3D", in_features=8, channels=4, grid_size=2, norm="torch"),
    head=dict(
        type="VoxelDecoder",
        widths=(4, 4, 2),
        depths=(1, 1),
        upsamplings=2,
        grid_size=2,
    ),
    losses=[dict(type="VoxelBCE", weight=10.0)],
)


def build(**changes):
    import svr3d.models  # noqa: F401  registers the parts

    torch.manual_seed(0)
    return MODELS.build({**SMALL, **changes})


def make_batch(views=3, samples=2):
    generator = torch.Generator().manual_seed(1)
    return {
        "images": torch.rand(samples, views, 3, 16, 16, generator=generator),
        "voxels": torch.randint(0, 2, (samples, 8, 8, 8), generator=generator).byte(),
        "category": torch.zeros(samples, dtype=torch.int64),
        "sample_id": [f"chair/{index}" for index in range(samples)],
    }


def test_losses_are_named_after_their_parts():
    parts = [dict(type="VoxelBCE"), dict(type="VoxelSoftIoU", weight=2.0)]
    losses = build(losses=parts).loss(make_batch())
    assert list(losses) == ["loss_voxel_bce", "loss_voxel_soft_iou"]


def test_training_lowers_the_loss():
    model = build()
    optimizer = OptimWrapper(torch.optim.Adam(model.parameters(), 1e-2))
    batch = make_batch()
    losses = [model.train_step(batch, optimizer)["loss"].item() for _ in range(12)]
    assert losses[-1] < 0.8 * losses[0]


def test_loss_and_prediction():
    model = build().eval()
    batch = make_batch()
    losses = model(mode="loss", **model.data_preprocessor(batch))
    assert list(losses) == ["loss_voxel_bce"]
    with torch.no_grad():
        voxels = model.test_step(batch)
    assert len(voxels) == 2
    assert voxels[0].probabilities.shape == (1, 8, 8, 8)
    expected = VoxelBCE(10.0)({"probabilities": voxels.probabilities}, batch)
    torch.testing.assert_close(losses["loss_voxel_bce"].detach(), expected)


def test_number_of_views_may_differ_from_batch_to_batch():
    model = build()
    for views in (1, 4, 2):
        batch = model.data_preprocessor(make_batch(views))
        assert model(mode="predict", **batch).probabilities.shape == (2, 8, 8, 8)


def test_views_one_by_one_differ_in_training_only():
    together, apart = build(), build(encode_views="one_by_one")
    apart.load_state_dict(together.state_dict())
    images = make_batch()["images"]
    with torch.no_grad():
        for model in (together, apart):
            model.eval()
        torch.testing.assert_close(together.encode(images), apart.encode(images))
        for model in (together, apart):
            model.train()
        assert not torch.allclose(together.encode(images), apart.encode(images))
        first = apart.backbone(images[:, 0])
        separate = build(fusion=None).train()
        separate.backbone.load_state_dict(apart.backbone.state_dict())
        torch.testing.assert_close(separate.encode(images[:, :1]), first)


def test_channels_last_keeps_the_values():
    plain, last = build(), build(channels_last=True)
    kernel = last.backbone.stages[1].path[0].weight
    assert kernel.is_contiguous(memory_format=torch.channels_last)
    last.load_state_dict(plain.state_dict())
    assert kernel.is_contiguous(memory_format=torch.channels_last)
    batch = make_batch()
    values = [
        model(mode="loss", **model.data_preprocessor(batch))["loss_voxel_bce"]
        for model in (plain, last)
    ]
    torch.testing.assert_close(*values)


def test_loss_that_is_not_finite_names_the_samples():
    model = build()
    batch = make_batch()
    batch["images"][1] = math.nan
    optimizer = OptimWrapper(torch.optim.SGD(model.parameters(), 0.1))
    before = model.head.to_logits.weight.clone()
    with pytest.raises(NonFiniteLossError, match="chair/0, chair/1") as caught:
        model.train_step(batch, optimizer)
    assert caught.value.sample_ids == ["chair/0", "chair/1"]
    assert torch.equal(model.head.to_logits.weight, before)


def test_several_views_need_a_fusion():
    model = build(fusion=None, head={**SMALL["head"], "code_features": 8})
    assert len(model.predict(make_batch(1))) == 2
    with pytest.raises(ValueError, match="3 views per sample, expected 1"):
        model.predict(make_batch(3))


def test_wrong_settings():
    with pytest.raises(ValueError, match="encode_views"):
        build(encode_views="all")
    with pytest.raises(ValueError, match="VoxelBCE twice"):
        build(losses=[dict(type="VoxelBCE"), dict(type="VoxelBCE")])
    with pytest.raises(ValueError, match="mode"):
        build()(mode="tensor")
    named = build(losses={"coarse": dict(type="VoxelBCE")})
    batch = named.data_preprocessor(make_batch())
    assert list(named(mode="loss", **batch)) == ["loss_coarse"]


def test_preprocessor_orders_and_normalises_channels():
    images = torch.tensor([0.0, 0.5, 1.0]).view(1, 1, 3, 1, 1)
    rgb = ImagePreprocessor()({"images": images, "sample_id": ["a"]})
    bgr = ImagePreprocessor(channel_order="bgr")({"images": images})
    assert rgb["images"].flatten().tolist() == [-1.0, 0.0, 1.0]
    assert bgr["images"].flatten().tolist() == [1.0, 0.0, -1.0]
    assert rgb["sample_id"] == ["a"]
    assert images.flatten().tolist() == [0.0, 0.5, 1.0]
    assert not ImagePreprocessor().state_dict()
    with pytest.raises(ValueError, match="channel_order"):
        ImagePreprocessor(channel_order="grb")


def test_cross_entropy_in_closed_form():
    target = torch.tensor([1, 0, 1, 0]).byte().view(1, 1, 2, 2)
    probabilities = torch.tensor([0.5, 0.5, 1.0, 0.0]).view(1, 1, 2, 2)
    loss = VoxelBCE(10.0)({"probabilities": probabilities}, {"voxels": target})
    assert loss.item() == pytest.approx(10 * 2 * math.log(2) / 4)
    logits = torch.tensor([0.0, 0.0, 500.0, -500.0]).view(1, 1, 2, 2)
    by_logits = VoxelBCE(10.0)({"logits": logits}, {"voxels": target})
    assert by_logits.item() == pytest.approx(loss.item())


def test_cross_entropy_costs_at_most_100_per_voxel():
    target = torch.ones(1, 2, 2, 2)
    wrong = torch.full((1, 2, 2, 2), -500.0)
    by_logits = VoxelBCE(1.0)({"logits": wrong}, {"voxels": target})
    by_value = VoxelBCE(1.0)({"probabilities": wrong * 0}, {"voxels": target})
    assert by_logits.item() == by_value.item() == 100.0
    with pytest.raises(ValueError, match="expected voxels of shape"):
        VoxelBCE()({"logits": wrong}, {"voxels": target[:, :1]})


@pytest.mark.parametrize(("axis", "dim"), [("x", 1), ("z", 3)])
def test_mirrored_views_give_the_mirrored_shape(axis, dim):
    plain, model = build().eval(), build(mirror_axis=axis).eval()
    batch = make_batch()
    mirrored = {**batch, "images": batch["images"].flip(-1)}
    with torch.no_grad():
        grid = model.predict(batch).probabilities
        once = plain.predict(batch).probabilities
        other = plain.predict(mirrored).probabilities.flip(dim)
        back = model.predict(mirrored).probabilities
    torch.testing.assert_close(grid, (once + other) / 2)
    torch.testing.assert_close(back, grid.flip(dim))
    assert not torch.allclose(once, other)


def test_another_mirror_axis_is_refused():
    with pytest.raises(ValueError, match="mirror_axis: .*found 'y'"):
        build(mirror_axis="y")
