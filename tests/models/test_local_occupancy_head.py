# SPDX-License-Identifier: Apache-2.0
"""Fields between the cells of a grid of features."""

import pytest
import torch
from mmengine.registry import MODELS
from torch import nn

from svr3d.models.decoders import LocalDecoder
from svr3d.models.heads import LocalOccupancyHead
from svr3d.registry import HEADS
from svr3d.structures import cell_centres

VOLUME = dict(
    type="VoxelDecoder", widths=(4, 6), depths=(1,), upsamplings=1, grid_size=2
)
HEAD = dict(
    type="LocalOccupancyHead",
    volume=VOLUME,
    decoder=dict(type="LocalDecoder", features=6, hidden_features=8, num_blocks=2),
)


class Given(nn.Module):
    """A volume that is what it was made with."""

    def __init__(self, **made):
        super().__init__()
        self.made = made

    def forward(self, code):
        return self.made


def silent_decoder(features):
    decoder = LocalDecoder(features, hidden_features=4, num_blocks=1)
    for parameter in decoder.output_layer.parameters():
        nn.init.zeros_(parameter)
    return decoder


def head_of(logits):
    features = torch.rand(len(logits), 3, *logits.shape[1:])
    volume = Given(logits=logits, features=features)
    return LocalOccupancyHead(volume, silent_decoder(3))


def test_cell_centres_get_the_cells_own_logits():
    logits = torch.randn(2, 5, 5, 5)
    points = cell_centres(5).reshape(1, -1, 3).expand(2, -1, -1)
    found = head_of(logits)(torch.zeros(2, 1), points)["logits"]
    torch.testing.assert_close(found.view(2, 5, 5, 5), logits)
    field = head_of(logits).to_structure({"codes": torch.zeros(2, 1)})
    voxels = field.to_voxels(5).probabilities
    torch.testing.assert_close(voxels, torch.sigmoid(logits))


def test_between_centres_logits_are_linear_and_beyond_the_grid_constant():
    logits = cell_centres(8) @ torch.tensor([1.0, 10.0, 100.0])
    head = head_of(logits[None])
    points = (torch.rand(1, 50, 3) - 0.5) * 0.8  # between outermost centres
    found = head(torch.zeros(1, 1), points)["logits"]
    expected = points @ torch.tensor([1.0, 10.0, 100.0])
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    edge, outside = torch.tensor([[[0.5, 0, 0]], [[0.9, 0, 0]]]).split(1)
    at = [head(torch.zeros(1, 1), place)["logits"] for place in (edge, outside)]
    torch.testing.assert_close(*at)


def test_the_decoder_sees_features_and_place():
    head = HEADS.build(HEAD).eval()
    for parameter in head.decoder.parameters():
        nn.init.normal_(parameter, std=0.5)
    code, points = torch.randn(2, 4, 2, 2, 2), torch.rand(2, 9, 3) - 0.5
    whole = head(code, points)["logits"]
    field = head.to_structure({"codes": code})
    torch.testing.assert_close(field.logits(points), whole)
    features = torch.rand(2, 9, 6)
    answer = head.decoder(points, features)
    for other in ((points, features * 0), (points * 0, features)):
        assert not torch.allclose(head.decoder(*other), answer, atol=1e-3)


def test_a_model_trains_at_points_and_predicts_meshes():
    model = MODELS.build(
        dict(
            type="EncoderDecoder",
            backbone=dict(
                type="ResidualEncoder",
                widths=(4, 4),
                shortcuts=("none", "identity"),
                image_size=16,
                out_features=8,
            ),
            fusion=dict(
                type="GRU3D",
                in_features=8,
                channels=4,
                grid_size=2,
                norm="torch",
                max_views=2,
            ),
            head=HEAD,
            losses=[dict(type="OccupancyBCE")],
        )
    )
    batch = {
        "images": torch.rand(2, 2, 3, 16, 16),
        "points": torch.rand(2, 30, 3) - 0.5,
        "occupancies": torch.randint(0, 2, (2, 30)).float(),
    }
    model.loss(batch)["loss_occupancy_bce"].backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
    assert next(model.backbone.parameters()).grad.abs().sum() > 0
    field = model.eval().predict(batch)
    assert len(field) == 2 and field.to_voxels(8).probabilities.shape == (2, 8, 8, 8)
    assert len(field.to_mesh(float(field.to_voxels(16).probabilities.mean()))) == 2


def test_parts_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match="threshold between 0 and 1, found 1.5"):
        LocalOccupancyHead(Given(), silent_decoder(3), threshold=1.5)
    head = LocalOccupancyHead(Given(probabilities=torch.ones(1)), silent_decoder(3))
    with pytest.raises(ValueError, match="'logits' and 'features', found 'probab"):
        head(torch.zeros(1, 1), torch.zeros(1, 2, 3))
    with pytest.raises(ValueError, match="features of length 5, found 3"):
        silent_decoder(5)(torch.zeros(1, 2, 3), torch.zeros(1, 2, 3))
