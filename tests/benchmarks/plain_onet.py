# SPDX-License-Identifier: Apache-2.0
"""An occupancy network layer by layer, as its program computes it: the peer of ours.

Points pass convolutions of kernel size 1 over (B, H, T); a conditional batch norm is a
batch norm, a product and a sum. Parameters have the names of the program's checkpoints.
Source of the structure: autonomousvision/occupancy_networks, DecoderCBatchNorm in
im2mesh/onet/models/decoder.py, Resnet18 in im2mesh/encoder/conv.py (torchvision's
network, whose layers are those of ``ResNetFeatures`` here).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from svr3d.models.backbones.resnet_features import ResNetFeatures

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class ConditionalNorm(nn.Module):
    """Batch norm, then a scale and a shift that the code gives."""

    def __init__(self, code: int, hidden: int):
        super().__init__()
        self.conv_gamma = nn.Conv1d(code, hidden, 1)
        self.conv_beta = nn.Conv1d(code, hidden, 1)
        self.bn = nn.BatchNorm1d(hidden, affine=False)

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        code = code.unsqueeze(2)
        gamma, beta = self.conv_gamma(code), self.conv_beta(code)
        return gamma * self.bn(x) + beta


class Block(nn.Module):
    """Two norms, activations and layers, and the sum."""

    def __init__(self, code: int, hidden: int):
        super().__init__()
        self.bn_0 = ConditionalNorm(code, hidden)
        self.bn_1 = ConditionalNorm(code, hidden)
        self.fc_0 = nn.Conv1d(hidden, hidden, 1)
        self.fc_1 = nn.Conv1d(hidden, hidden, 1)

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        y = self.fc_0(F.relu(self.bn_0(x, code)))
        return x + self.fc_1(F.relu(self.bn_1(y, code)))


class PlainDecoder(nn.Module):
    """Points (B, T, 3) and codes (B, C) -> logits (B, T)."""

    def __init__(self, code: int = 256, hidden: int = 256):
        super().__init__()
        self.fc_p = nn.Conv1d(3, hidden, 1)
        for index in range(5):
            self.add_module(f"block{index}", Block(code, hidden))
        self.bn = ConditionalNorm(code, hidden)
        self.fc_out = nn.Conv1d(hidden, 1, 1)

    def forward(self, points: Tensor, code: Tensor) -> Tensor:
        x = self.fc_p(points.transpose(1, 2))
        for index in range(5):
            x = getattr(self, f"block{index}")(x, code)
        return self.fc_out(F.relu(self.bn(x, code))).squeeze(1)


class PlainEncoder(nn.Module):
    """Images (B, 3, H, W) in [0, 1] -> codes (B, C)."""

    def __init__(self, code: int = 256):
        super().__init__()
        self.features = ResNetFeatures(18)
        self.fc = nn.Linear(512, code)

    def forward(self, images: Tensor) -> Tensor:
        x = images.clone()
        for channel, (mean, std) in enumerate(zip(MEAN, STD, strict=True)):
            x[:, channel] = (x[:, channel] - mean) / std
        return self.fc(F.adaptive_avg_pool2d(self.features(x), 1).flatten(1))


class PlainOccupancyNetwork(nn.Module):
    """Encoder, decoder and the loss of training."""

    def __init__(self):
        super().__init__()
        self.encoder = PlainEncoder()
        self.decoder = PlainDecoder()

    def loss(self, images: Tensor, points: Tensor, occupancies: Tensor) -> Tensor:
        """Sum over points, mean over the batch."""
        logits = self.decoder(points, self.encoder(images))
        each = F.binary_cross_entropy_with_logits(logits, occupancies, reduction="none")
        return each.sum(-1).mean()


def make_lively(model: nn.Module) -> None:
    """Give layers that start at zero weights that matter."""
    torch.manual_seed(0)
    for name, parameter in model.named_parameters():
        if not parameter.any() or "conv_gamma.weight" in name:
            nn.init.normal_(parameter, 0, 0.02)
