# SPDX-License-Identifier: Apache-2.0
"""The head of occupancy networks, and how the reconstructor hands it points."""

import math

import pytest
import torch
from mmengine.registry import MODELS

import svr3d.models  # noqa: F401  registers the parts
from svr3d.models.heads import OccupancyHead
from svr3d.models.losses import OccupancyBCE
from svr3d.registry import HEADS
from svr3d.structures import ExtractionSettings

HEAD = dict(
    type="OccupancyHead",
    decoder=dict(type="CBNDecoder", code_features=8, hidden_features=16),
)
BACKBONE = dict(
    type="ResidualEncoder",
    widths=(4, 4),
    shortcuts=("none", "identity"),
    image_size=16,
    out_features=8,
)
GRID_FUSION = dict(
    type="GRU3D", in_features=8, channels=4, grid_size=2, norm="torch", max_views=2
)


def build_head(**changes):
    return HEADS.build({**HEAD, **changes})


def build_model(**changes):
    parts = dict(backbone=BACKBONE, head=HEAD, losses=[dict(type="OccupancyBCE")])
    return MODELS.build(dict(type="EncoderDecoder", **{**parts, **changes}))


def scramble(module):
    """Give every parameter a value that matters: fresh blocks are the identity."""
    for parameter in module.parameters():
        parameter.data.normal_(0, 0.3)
    return module


def make_batch(views=1, samples=2, points=20):
    return {
        "images": torch.rand(samples, views, 3, 16, 16),
        "points": torch.rand(samples, points, 3) - 0.5,
        "occupancies": torch.randint(0, 2, (samples, points)).float(),
    }


def test_fresh_decoder_ignores_the_code_and_a_trained_one_does_not():
    head, points = build_head().eval(), torch.rand(1, 9, 3) - 0.5
    first, second = (head(torch.randn(1, 8), points)["logits"] for _ in range(2))
    assert torch.equal(first, second)
    scramble(head)
    first, second = (head(torch.randn(1, 8), points)["logits"] for _ in range(2))
    assert not torch.allclose(first, second)


def test_loss_of_a_model_reaches_the_backbone_through_the_code():
    model = scramble(build_model()).train()
    (value,) = model.loss(make_batch()).values()
    value.backward()
    weight = model.backbone.project.weight
    assert weight.grad.abs().max() > 0


def test_prediction_is_a_field_that_running_statistics_decide():
    model = scramble(build_model()).train()
    batch = make_batch(points=30)
    model.loss(batch)
    code = model.code(batch).detach()
    field = model.head.to_structure({"codes": code})
    before = {key: value.clone() for key, value in model.head.state_dict().items()}
    in_training = field.logits(batch["points"])
    for key, value in model.head.state_dict().items():
        assert torch.equal(value, before[key]), key
    model.eval()
    torch.testing.assert_close(in_training, field.logits(batch["points"]))
    outputs = model.head(code, batch["points"], batch["occupancies"])
    torch.testing.assert_close(outputs["logits"], in_training)
    probabilities = field(batch["points"])
    torch.testing.assert_close(torch.sigmoid(in_training), probabilities)
    torch.testing.assert_close(field[1](batch["points"][1]), probabilities[1:])


def test_field_carries_threshold_and_extraction():
    head = build_head(threshold=0.3, resolution=16, upsampling_steps=1, chunk_size=7)
    field = head.to_structure({"codes": torch.zeros(2, 8)})
    assert (field.threshold, field.chunk_size) == (0.3, 7)
    assert field[1].extraction == ExtractionSettings(resolution=16, upsampling_steps=1)
    assert field.to_voxels(4).probabilities.shape == (2, 4, 4, 4)


def test_mirrored_views_average_probabilities():
    model = scramble(build_model(mirror_axis="x")).eval()
    batch = make_batch()
    with torch.no_grad():
        field = model.predict(batch)
        first = model.head.decode(model.code(batch), batch["points"])
        turned = model.code({"images": batch["images"].flip(-1)})
        second = model.head.decode(turned, batch["points"] * torch.tensor([-1, 1, 1]))
    expected = (first + second) / 2
    torch.testing.assert_close(field(batch["points"]), expected)
    torch.testing.assert_close(field.logits(batch["points"]).sigmoid(), expected)
    assert (first - second).abs().max() > 1e-3


@pytest.mark.parametrize(("reduction", "length"), [("mean", 4), ("flatten", 32)])
def test_grids_of_recurrent_fusions_become_vectors(reduction, length):
    decoder = dict(type="CBNDecoder", code_features=length, hidden_features=8)
    head = dict(type="OccupancyHead", decoder=decoder, code_reduction=reduction)
    model = build_model(head=head, fusion=GRID_FUSION)
    batch = make_batch(views=2)
    assert torch.isfinite(model.loss(batch)["loss_occupancy_bce"])
    assert model.predict(batch).codes.shape == (2, length)


def test_other_inputs_go_to_the_backbone_as_they_are():
    backbone = torch.nn.Linear(5, 8)
    model = build_model(backbone=backbone, input_key="vectors")
    batch = {**make_batch(), "vectors": torch.rand(2, 5)}
    del batch["images"]
    assert torch.equal(model.code(batch), backbone(batch["vectors"]))
    assert torch.isfinite(model.loss(batch)["loss_occupancy_bce"])
    with pytest.raises(ValueError, match="expected 'vectors', found 'images'"):
        model.predict({"images": batch})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            dict(fuse="volumes", fusion=dict(type="MeanViewFusion")),
            "OccupancyHead answers at points: expected fuse='codes'",
        ),
        (dict(refiner=torch.nn.Identity()), "and no refiner"),
        (dict(input_key="voxels", mirror_axis="x"), "input_key 'voxels': expected"),
        (dict(input_key="voxels", fusion=GRID_FUSION), "neither fusion nor mirror"),
    ],
)
def test_combinations_without_meaning_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        build_model(**changes)


def test_wrong_lengths_and_options_are_refused():
    points = torch.zeros(2, 3, 3)
    with pytest.raises(ValueError, match=r"expected code \(B, 8\), found \(2, 7\)"):
        build_head()(torch.zeros(2, 7), points)
    with pytest.raises(ValueError, match="threshold between 0 and 1, found 1"):
        OccupancyHead(torch.nn.Identity(), threshold=1.0)
    with pytest.raises(ValueError, match="code_reduction of .* found 'sum'"):
        OccupancyHead(torch.nn.Identity(), code_reduction="sum")


def test_cross_entropy_sums_over_points_and_averages_over_the_batch():
    outputs = {"logits": torch.zeros(4, 2048)}
    batch = {"occupancies": torch.randint(0, 2, (4, 2048))}
    assert OccupancyBCE()(outputs, batch).item() == pytest.approx(2048 * math.log(2))
    mean = OccupancyBCE(3.0, reduction="mean")(outputs, batch)
    assert mean.item() == pytest.approx(3 * math.log(2))
    with pytest.raises(ValueError, match=r"shape \(4, 2048\) as predicted, found"):
        OccupancyBCE()(outputs, {"occupancies": torch.zeros(4, 7)})
    with pytest.raises(ValueError, match="expected 'occupancies' in the batch"):
        OccupancyBCE()(outputs, {"points": torch.zeros(4, 2048, 3)})
    with pytest.raises(ValueError, match="reduction of .* found 'max'"):
        OccupancyBCE(reduction="max")
