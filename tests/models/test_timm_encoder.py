# SPDX-License-Identifier: Apache-2.0
"""Networks of timm as encoders, by a stand-in for the package and by the real one."""

import sys
import types

import pytest
import torch
from torch import nn

from svr3d.errors import CheckpointError, ConfigError
from svr3d.models.backbones import TimmEncoder


class Pooled(nn.Module):
    """What timm makes: features pooled to a vector."""

    num_features = 6
    pretrained_cfg = {"mean": (0.5, 0.5, 0.5), "std": (0.25, 0.25, 0.25)}

    def __init__(self, *, known: bool):
        super().__init__()
        self.convolution = nn.Conv2d(3, 6, 3)
        if known:
            nn.init.constant_(self.convolution.weight, 0.5)

    def forward(self, images):
        return self.convolution(images).mean((2, 3))


@pytest.fixture
def stand_in(monkeypatch):
    """A package that knows one network, of which it has weights."""

    def create_model(name, *, pretrained, num_classes):
        assert num_classes == 0
        if name != "small":
            raise RuntimeError(f"Unknown model ({name})")
        return Pooled(known=pretrained)

    package = types.ModuleType("timm")
    package.create_model = create_model
    monkeypatch.setitem(sys.modules, "timm", package)


def test_normalises_by_the_statistics_of_the_weights(stand_in):
    encoder = TimmEncoder("small", 6, linear=False)
    plain = TimmEncoder("small", 6, linear=False, normalize=False)
    plain.load_state_dict(encoder.state_dict())
    images = torch.rand(2, 3, 8, 8)
    torch.testing.assert_close(encoder(images), plain((images - 0.5) / 0.25))
    assert TimmEncoder("small", 10)(images).shape == (2, 10)


def test_loads_weights_when_training_starts(stand_in, tmp_path):
    encoder = TimmEncoder("small", 4, pretrained=True)
    assert not (encoder.network.convolution.weight == 0.5).all()
    encoder.init_weights()
    assert (encoder.network.convolution.weight == 0.5).all()
    state = {name: value + 1 for name, value in encoder.network.state_dict().items()}
    torch.save(state, tmp_path / "weights.pth")
    other = TimmEncoder("small", 4, pretrained=str(tmp_path / "weights.pth"))
    other.init_weights()
    assert (other.network.convolution.weight == 1.5).all()
    del state["convolution.bias"]
    torch.save(state, tmp_path / "weights.pth")
    with pytest.raises(CheckpointError, match="convolution.bias"):
        other.init_weights()


def test_names_what_is_wrong(stand_in, monkeypatch):
    with pytest.raises(ConfigError, match="model_name: 'huge'"):
        TimmEncoder("huge")
    with pytest.raises(ValueError, match="expected 6, the features of small"):
        TimmEncoder("small", 7, linear=False)
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ConfigError, match=r"svr3d\[timm\]"):
        TimmEncoder("small")


def test_real_package():
    pytest.importorskip("timm", reason="timm is an optional package")
    encoder = TimmEncoder("resnet18", 32).eval()
    assert encoder(torch.rand(2, 3, 64, 64)).shape == (2, 32)
    assert sum(p.numel() for p in encoder.network.parameters()) == 11_176_512
