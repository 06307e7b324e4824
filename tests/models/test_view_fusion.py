# SPDX-License-Identifier: Apache-2.0
"""Fusion of codes and of volumes: every pooling with several backbones and heads."""

import pytest
import torch
from mmengine.registry import MODELS

from svr3d.models.fusion import ContextAwareFusion, MaxViewFusion, MeanViewFusion
from svr3d.models.fusion.volumes import fuse_volumes

R2N2_ENCODER = dict(
    type="ResidualEncoder",
    widths=(4, 4, 4),
    shortcuts=("none", "projection", "identity"),
    image_size=16,
    out_features=16,
)
VGG_ENCODER = dict(
    type="FeatureMapEncoder",
    trunk=dict(type="VGGFeatures", stages=((4,), (4,))),
    widths=(4, 4),
    kernels=(1, 3),
    pools=(1, 3),
    image_size=16,
)
R2N2_DECODER = dict(
    type="VoxelDecoder",
    widths=(4, 4, 2),
    depths=(1, 1),
    upsamplings=2,
    grid_size=2,
)
TRANSPOSED_DECODER = dict(type="TransposedVoxelDecoder", widths=(2, 4, 2), grid_size=2)
BACKBONES = {"r2n2": R2N2_ENCODER, "vgg": VGG_ENCODER}
# Behind an encoder that gives 16 features.
HEADS = {
    "r2n2": {**R2N2_DECODER, "code_features": 16},
    "transposed": TRANSPOSED_DECODER,
}
# Part, and what it needs before a head and behind one.
FUSIONS = {
    "mean": (dict(type="MeanViewFusion"), {}, {}),
    "max": (dict(type="MaxViewFusion"), {}, {}),
    "context_aware": (
        dict(type="ContextAwareFusion", widths=(4,)),
        dict(in_channels=16, kernel_size=1),
        dict(in_channels=3),
    ),
}


def build(backbone, head, pooling, fuse, **changes):
    import svr3d.models  # noqa: F401  registers the parts

    torch.manual_seed(0)
    part, for_codes, for_volumes = FUSIONS[pooling]
    model = dict(
        type="EncoderDecoder",
        data_preprocessor=dict(type="ImagePreprocessor"),
        backbone=BACKBONES[backbone],
        head=HEADS[head],
        fusion={**part, **(for_codes if fuse == "codes" else for_volumes)},
        fuse=fuse,
        losses=[dict(type="VoxelBCE", weight=10.0)],
    )
    return MODELS.build({**model, **changes})


def make_batch(views=3, samples=2):
    generator = torch.Generator().manual_seed(1)
    return {
        "images": torch.rand(samples, views, 3, 16, 16, generator=generator),
        "voxels": torch.randint(0, 2, (samples, 8, 8, 8), generator=generator).byte(),
        "sample_id": [f"chair/{index}" for index in range(samples)],
    }


@pytest.mark.parametrize("fuse", ["codes", "volumes"])
@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_pooling_trains_and_predicts(backbone, head, fusion, fuse):
    model = build(backbone, head, fusion, fuse).train()
    batch = model.data_preprocessor(make_batch())
    total, _ = model.parse_losses(model(mode="loss", **batch))
    total.backward()
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, name
            assert torch.isfinite(parameter.grad).all(), name
    moved = [p.grad.abs().max() > 0 for p in model.fusion.parameters()]
    assert any(moved) or not moved
    model.eval()
    with torch.no_grad():
        for views in (1, 2, 5):
            batch = model.data_preprocessor(make_batch(views))
            volume = model(mode="predict", **batch).probabilities
            assert volume.shape == (2, 8, 8, 8)
            assert volume.min() >= 0 and volume.max() <= 1


@pytest.mark.parametrize("fusion", FUSIONS)
def test_order_of_views_does_not_matter(fusion):
    model = build("r2n2", "r2n2", fusion, "volumes").eval()
    batch = make_batch(4)
    with torch.no_grad():
        one = model.predict(batch).probabilities
        flipped = {**batch, "images": batch["images"].flip(1)}
        other = model.predict(flipped).probabilities
    torch.testing.assert_close(one, other)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_fusion_of_volumes_is_that_of_each_view_alone(fusion):
    model = build("r2n2", "r2n2", fusion, "volumes").eval()
    batch = make_batch(3)
    with torch.no_grad():
        fused = model.predict(batch).probabilities
        alone = [
            model.predict({**batch, "images": batch["images"][:, [view]]}).probabilities
            for view in range(3)
        ]
    alone = torch.stack(alone)
    if fusion == "mean":
        torch.testing.assert_close(fused, alone.mean(0))
    elif fusion == "max":
        torch.testing.assert_close(fused, alone.amax(0))
    else:  # somewhere between the views, and not just their mean
        assert (fused >= alone.amin(0) - 1e-6).all()
        assert (fused <= alone.amax(0) + 1e-6).all()
        assert not torch.allclose(fused, alone.mean(0), atol=1e-4)


def test_context_aware_weights_by_hand():
    fusion = ContextAwareFusion(in_channels=2, widths=(), kernel_size=1, slope=1.0)
    fusion.eval()  # with fresh statistics the norm is the identity, up to its epsilon
    layer = fusion.score[0][0]
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([3.0, 0.0]).view(1, 2, 1, 1, 1))
        volumes = torch.rand(1, 2, 1, 2, 2, 2)
        context = torch.rand(1, 2, 1, 2, 2, 2)
        fused = fusion(volumes, context)
    weights = torch.softmax(3.0 * context / (1 + 1e-5) ** 0.5, dim=1)
    torch.testing.assert_close(fused, (weights * volumes).sum(1))


def test_context_aware_fusion_of_one_view_is_the_view():
    fusion = ContextAwareFusion(in_channels=9).train()
    volumes = torch.rand(2, 1, 1, 4, 4, 4)
    before = fusion.score[0][1].running_mean.clone()
    fused = fusion(volumes, torch.rand(2, 1, 8, 4, 4, 4))
    assert torch.equal(fused, volumes[:, 0])
    fused.sum().backward()
    assert all(not p.grad.any() for p in fusion.parameters())
    # Its statistics move all the same, as in the published program.
    assert not torch.equal(fusion.score[0][1].running_mean, before)


def test_views_scored_one_by_one_have_statistics_of_their_own():
    together = ContextAwareFusion(in_channels=1).train()
    apart = ContextAwareFusion(in_channels=1, score_views="one_by_one").train()
    apart.load_state_dict(together.state_dict())
    volumes = torch.rand(2, 3, 1, 4, 4, 4) * torch.tensor([1.0, 2, 3]).view(
        3, 1, 1, 1, 1
    )
    with torch.no_grad():
        assert not torch.allclose(together(volumes), apart(volumes))
        counts = [f.score[0][1].num_batches_tracked.item() for f in (together, apart)]
        assert counts == [1, 3]
        apart.load_state_dict(together.state_dict())
        torch.testing.assert_close(together.eval()(volumes), apart.eval()(volumes))


def test_volumes_decoded_one_by_one_differ_in_training_only():
    together = build("vgg", "transposed", "mean", "volumes")
    apart = build("vgg", "transposed", "mean", "volumes", encode_views="one_by_one")
    batch = make_batch()
    with torch.no_grad():
        torch.testing.assert_close(
            together.eval().predict(batch).probabilities,
            apart.eval().predict(batch).probabilities,
        )
        one, other = (
            model.train().outputs(batch)["probabilities"] for model in (together, apart)
        )
    assert not torch.allclose(one, other)
    counts = [m.head.layers[0][1].num_batches_tracked.item() for m in (together, apart)]
    assert counts == [1, 3]


def test_fusion_that_is_not_in_use_is_the_mean():
    fusion = ContextAwareFusion(in_channels=2)
    fusion.in_use = False
    volumes = torch.rand(2, 3, 1, 4, 4, 4)
    expected = MeanViewFusion()(volumes)
    assert torch.equal(fusion(volumes, torch.rand(2, 3, 1, 4, 4, 4)), expected)
    # A model that loads the weights knows.
    other = ContextAwareFusion(in_channels=2)
    other.load_state_dict(fusion.state_dict())
    assert other.in_use is False
    fusion.in_use = True
    other.load_state_dict(fusion.state_dict())
    assert other.in_use is True


def test_refiner_has_losses_of_its_own_and_may_wait():
    refiner = dict(type="VoxelRefiner", widths=(2, 4), resolution=8, hidden_features=4)
    settings = dict(refiner=refiner, refiner_losses=[dict(type="VoxelBCE")])
    model = build("r2n2", "r2n2", "mean", "codes", **settings).eval()
    batch = model.data_preprocessor(make_batch())
    coarse = model.outputs(batch)
    refined = model.predict(batch).probabilities
    expected = model.refiner(torch.sigmoid(coarse["logits"]))
    torch.testing.assert_close(refined, expected)
    losses = model.loss(batch)
    assert list(losses) == ["loss_voxel_bce", "loss_refined_voxel_bce"]
    assert losses["loss_voxel_bce"] != losses["loss_refined_voxel_bce"]
    model.refiner.in_use = False
    assert list(model.loss(batch)) == ["loss_voxel_bce"]
    unrefined = model.predict(batch).probabilities
    torch.testing.assert_close(unrefined, torch.sigmoid(coarse["logits"]))
    other = build("r2n2", "r2n2", "mean", "codes", **settings)
    other.load_state_dict(model.state_dict())
    assert other.refiner.in_use is False


def test_half_precision_trains_on_merged_probabilities():
    model = build("r2n2", "r2n2", "context_aware", "volumes", channels_last=True)
    with torch.autocast("cpu", torch.bfloat16):
        losses = model.loss(model.data_preprocessor(make_batch()))
    value = losses["loss_voxel_bce"]
    assert value.dtype == torch.float32
    plain = build("r2n2", "r2n2", "context_aware", "volumes")
    expected = plain.loss(plain.data_preprocessor(make_batch()))["loss_voxel_bce"]
    torch.testing.assert_close(value, expected, rtol=0.05, atol=0.0)


def test_wrong_settings():
    with pytest.raises(ValueError, match="fuse: expected 'codes' or 'volumes'"):
        build("r2n2", "r2n2", "mean", "images")
    with pytest.raises(ValueError, match="ViewPooling.*found GRU3D"):
        build("r2n2", "r2n2", "mean", "volumes", fusion=dict(type="GRU3D"))
    with pytest.raises(ValueError, match="ViewPooling.*found NoneType"):
        build("r2n2", "r2n2", "mean", "volumes", fusion=None)
    with pytest.raises(ValueError, match="refiner_losses: expected a refiner"):
        build("r2n2", "r2n2", "mean", "codes", refiner_losses=[dict(type="VoxelBCE")])
    with pytest.raises(ValueError, match="score_views"):
        ContextAwareFusion(score_views="all")
    with pytest.raises(ValueError, match="9 channels .* 1 of the features and 4"):
        ContextAwareFusion()(torch.rand(1, 2, 1, 2, 2, 2), torch.rand(1, 2, 4, 2, 2, 2))
    with pytest.raises(ValueError, match="'logits' or 'probabilities'.*'points'"):
        fuse_volumes(MaxViewFusion(), {"points": torch.rand(1, 2, 3)})
    with pytest.raises(ValueError, match="no recipe for recurrent"):
        from svr3d.models.fusion import GRU3D

        GRU3D(4, channels=2, grid_size=2, initialization="pix2vox")
