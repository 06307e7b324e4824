# SPDX-License-Identifier: Apache-2.0
"""Folded models predict what they predicted before."""

import pytest
import torch
from mmengine.registry import MODELS, DefaultScope
from torch import nn

from svr3d.engine.config import load_config
from svr3d.models.layers.fold_batch_norms import fold_batch_norms

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def with_statistics(model):
    """Gives each norm statistics and weights of its own."""
    for module in model.modules():
        if isinstance(module, NORMS):
            nn.init.uniform_(module.running_mean, -0.5, 0.5)
            nn.init.uniform_(module.running_var, 0.5, 2)
            if module.affine:
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.uniform_(module.bias, -0.5, 0.5)
    return model.eval()


@pytest.mark.parametrize(
    ("config", "fewest"),
    [
        ("view_fusion/res3dgru_custom.py", 20),
        ("view_fusion/gru_custom.py", 5),
        ("view_fusion/pix2vox_f_custom.py", 15),
    ],
)
def test_shipped_networks_predict_the_same(config, fewest):
    cfg = load_config(config, verbose=False)
    with DefaultScope.overwrite_default_scope("svr3d"):
        model = with_statistics(MODELS.build(cfg.model))
    batch = {"images": torch.rand(2, 3, 3, 64, 64)}
    with torch.no_grad():
        before = model.predict(batch).probabilities
        count = sum(isinstance(module, NORMS) for module in model.modules())
        folded = fold_batch_norms(model)
        after = model.predict(batch).probabilities
    assert folded >= fewest
    left = sum(isinstance(module, NORMS) for module in model.modules())
    assert left == count - folded
    torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "layer", [nn.Conv2d(3, 4, 3), nn.ConvTranspose2d(3, 4, 2), nn.Linear(5, 5)]
)
def test_each_kind_of_layer(layer):
    norm = nn.BatchNorm1d(5) if isinstance(layer, nn.Linear) else nn.BatchNorm2d(4)
    model = with_statistics(nn.Sequential(layer, norm, nn.ReLU()))
    x = torch.rand(2, 5) if isinstance(layer, nn.Linear) else torch.rand(2, 3, 6, 6)
    expected = model(x)
    assert fold_batch_norms(model) == 1 and isinstance(model[1], nn.Identity)
    torch.testing.assert_close(model(x), expected)
    assert fold_batch_norms(model) == 0


def test_what_computes_something_else_is_left_alone():
    shared = nn.Conv2d(3, 3, 1)
    twice = nn.Sequential(shared, nn.BatchNorm2d(3), nn.Sequential(shared))
    batch_statistics = nn.Sequential(
        nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3, track_running_stats=False)
    )
    again = nn.Sequential(shared, nn.BatchNorm2d(3), shared)
    between = nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU(), nn.BatchNorm2d(3))
    for model in (twice, again, batch_statistics, between):
        assert fold_batch_norms(model.eval()) == 0
    with pytest.raises(ValueError, match="evaluation mode"):
        fold_batch_norms(between.train())
