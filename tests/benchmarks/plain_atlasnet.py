# SPDX-License-Identifier: Apache-2.0
"""AtlasNet layer by layer, as its program computes it: the peer of ours.

Each patch has a network of its own, which runs by itself; points pass convolutions of
kernel size 1 over (B, F, n). The loss is the program's Chamfer distance in torch alone:
double precision, |x|^2 + |y|^2 - 2 x y. Parameters have the names of the program's
checkpoints. Source of the structure: ThibaultGROUEIX/AtlasNet, model/model_blocks.py,
model/atlasnet.py, model/resnet.py (torchvision's network, whose layers are those of
``ResNetFeatures`` here) and auxiliary/ChamferDistancePytorch/chamfer_python.py.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from svr3d.models.backbones.resnet_features import ResNetFeatures


class PlainPatch(nn.Module):
    """Template points (1, d, n) and codes (B, C, 1) -> points (B, 3, n)."""

    def __init__(self, dimensions: int, code: int = 1024, hidden: int = 512):
        super().__init__()
        self.conv1 = nn.Conv1d(dimensions, code, 1)
        self.conv2 = nn.Conv1d(code, hidden, 1)
        self.conv_list = nn.ModuleList(nn.Conv1d(hidden, hidden, 1) for _ in range(2))
        self.last_conv = nn.Conv1d(hidden, 3, 1)
        self.bn1, self.bn2 = nn.BatchNorm1d(code), nn.BatchNorm1d(hidden)
        self.bn_list = nn.ModuleList(nn.BatchNorm1d(hidden) for _ in range(2))

    def forward(self, points: Tensor, code: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(points) + code))
        x = F.relu(self.bn2(self.conv2(x)))
        for convolution, norm in zip(self.conv_list, self.bn_list, strict=True):
            x = F.relu(norm(convolution(x)))
        return self.last_conv(x)


class PlainDecoder(nn.Module):
    """The networks of all patches."""

    def __init__(self, patches: int, dimensions: int):
        super().__init__()
        self.decoder = nn.ModuleList(PlainPatch(dimensions) for _ in range(patches))

    def forward(self, templates: list[Tensor], code: Tensor) -> Tensor:
        """Return (B, P n, 3)."""
        code = code.unsqueeze(2)
        parts = [
            patch(points, code).unsqueeze(1)
            for patch, points in zip(self.decoder, templates, strict=True)
        ]
        fused = torch.cat(parts, dim=1).transpose(2, 3).contiguous()
        return fused.flatten(1, 2)


class PlainEncoder(ResNetFeatures):
    """Images (B, 3, 224, 224) -> codes (B, C)."""

    def __init__(self, code: int = 1024):
        super().__init__(18)
        self.fc = nn.Linear(512, code)

    def forward(self, images: Tensor) -> Tensor:
        return self.fc(F.avg_pool2d(super().forward(images), 7).flatten(1))


class PlainAtlasNet(nn.Module):
    """Encoder, decoder and the loss of training."""

    def __init__(self, patches: int, dimensions: int):
        super().__init__()
        self.encoder = PlainEncoder()
        self.decoder = PlainDecoder(patches, dimensions)

    def loss(self, images: Tensor, templates: list[Tensor], target: Tensor) -> Tensor:
        """Mean of squared distances, both directions added."""
        points = self.decoder(templates, self.encoder(images))
        first, second = plain_chamfer(target, points)
        return first.mean() + second.mean()


def plain_chamfer(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return the squared distances (B, N) and (B, M) to the nearest of the others."""
    x, y = x.double(), y.double()
    squares = x.square().sum(2), y.square().sum(2)
    products = torch.bmm(x, y.transpose(2, 1))
    distances = squares[0].unsqueeze(2) + squares[1].unsqueeze(1) - 2 * products
    return distances.min(2)[0].float(), distances.min(1)[0].float()
