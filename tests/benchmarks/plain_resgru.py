# SPDX-License-Identifier: Apache-2.0
"""ResidualGRUNet layer by layer, as its PyTorch port computes it: the peer of ours.

View after view passes the encoder, and upsampling writes zeros that the convolutions
then read. Parameters have the names of the port's checkpoints. Source of the structure:
heromanba/3D-R2N2-PyTorch, class ResidualGRUNet.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def rectify(x: Tensor) -> Tensor:
    return F.leaky_relu(x, 0.01)


def unpool(x: Tensor) -> Tensor:
    out = x.new_zeros(*x.shape[:2], *(2 * size for size in x.shape[2:]))
    out[:, :, ::2, ::2, ::2] = x
    return out


class Gate(nn.Module):
    """What image and state say about one gate."""

    def __init__(self):
        super().__init__()
        self.bias = nn.Parameter(torch.full((1, 128, 1, 1, 1), 0.1))
        self.fc_layer = nn.Linear(1024, 128 * 64, bias=False)
        self.conv3d = nn.Conv3d(128, 128, 3, padding=1, bias=False)

    def forward(self, features: Tensor, state: Tensor) -> Tensor:
        seen = self.fc_layer(features).view(-1, 128, 4, 4, 4)
        return seen + self.conv3d(state) + self.bias


class Encoder(nn.Module):
    """Six stages of convolutions and pooling, and the gates."""

    def __init__(self):
        super().__init__()
        widths = (3, 96, 128, 256, 256, 256, 256)
        for stage in range(1, 7):
            inputs, outputs = widths[stage - 1], widths[stage]
            kernel = 7 if stage == 1 else 3
            first = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)
            self.add_module(f"conv{stage}a", first)
            self.add_module(f"conv{stage}b", nn.Conv2d(outputs, outputs, 3, padding=1))
            if stage in (2, 3, 5):
                self.add_module(f"conv{stage}c", nn.Conv2d(inputs, outputs, 1))
        self.fc7 = nn.Linear(256 * 9, 1024)
        self.t_x_s_update, self.t_x_s_reset, self.t_x_rs = Gate(), Gate(), Gate()

    def forward(self, x: Tensor, state: Tensor) -> Tensor:
        for stage in range(1, 7):
            inside = rectify(getattr(self, f"conv{stage}a")(x))
            out = rectify(getattr(self, f"conv{stage}b")(inside))
            if stage in (2, 3, 5):
                out = getattr(self, f"conv{stage}c")(x) + out
            elif stage == 6:
                out = x + out
            x = F.max_pool2d(out, 2, padding=1)
        features = rectify(self.fc7(x.flatten(1)))
        update = torch.sigmoid(self.t_x_s_update(features, state))
        reset = torch.sigmoid(self.t_x_s_reset(features, state))
        new = torch.tanh(self.t_x_rs(features, reset * state))
        return update * state + (1 - update) * new


class Decoder(nn.Module):
    """Three doublings of the grid, residual blocks, two logits for each voxel."""

    def __init__(self):
        super().__init__()
        widths = {7: (128, 128), 8: (128, 128), 9: (128, 64), 10: (64, 32)}
        for block, (inputs, outputs) in widths.items():
            self.add_module(f"conv{block}a", nn.Conv3d(inputs, outputs, 3, padding=1))
            self.add_module(f"conv{block}b", nn.Conv3d(outputs, outputs, 3, padding=1))
        self.conv9c = nn.Conv3d(128, 64, 1)
        self.conv10c = nn.Conv3d(32, 32, 3, padding=1)
        self.conv11 = nn.Conv3d(32, 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        for block in (7, 8, 9):
            x = unpool(x)
            out = rectify(getattr(self, f"conv{block}a")(x))
            out = rectify(getattr(self, f"conv{block}b")(out))
            x = (self.conv9c(x) if block == 9 else x) + out
        out = rectify(self.conv10b(rectify(self.conv10a(x))))
        return self.conv11(self.conv10c(out) + out)


class PlainResidualGRUNet(nn.Module):
    """Images (V, B, 3, 127, 127) in [0, 1] to logits (B, 2, 32, 32, 32)."""

    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = Encoder(), Decoder()

    def forward(self, images: Tensor) -> Tensor:
        state = images.new_zeros(images.shape[1], 128, 4, 4, 4)
        for view in images:
            state = self.encoder(view, state)
        return self.decoder(state)

    def loss(self, images: Tensor, voxels: Tensor) -> Tensor:
        """Mean softmax cross entropy of the voxels (B, 32, 32, 32)."""
        return F.cross_entropy(self(images), voxels.long())
