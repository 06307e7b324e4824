# SPDX-License-Identifier: Apache-2.0
"""The image encoder of self-supervised point clouds."""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from svr3d.models.layers.initialization import initialize
from svr3d.models.layers.same_conv import SameConv2d
from svr3d.registry import BACKBONES


@BACKBONES.register_module()
class SameConvEncoder(nn.Module):
    """Convolutions of stride 2 with 'SAME' padding, and a layer of all that is left.

    A ReLU stands behind each. The maps are flattened as TensorFlow has them, channel
    fastest. Images are taken in [0, 1] as they are. Source: ``recon_net`` and
    ``pose_net`` of klnavaneet/ssl_3d_recon, ``src/net_archs.py``; the colours' encoder
    has the first two convolutions.

    Attributes:
        out_features: Length of the code.
    """

    def __init__(
        self,
        out_features: int = 128,
        *,
        image_size: int = 64,
        widths: Sequence[int] = (32, 64, 128, 256),
        kernels: Sequence[int] = (3, 3, 3, 5),
        initialization: str | None = "tflearn",
    ):
        """Set up the encoder.

        Args:
            out_features: Length C of the code.
            image_size: Side of the images in pixels.
            widths: Output channels of the convolutions.
            kernels: Sides of their kernels.
            initialization: A recipe for the weights; None keeps PyTorch's.

        Raises:
            ValueError: If there are not as many kernels as widths, or none.
        """
        super().__init__()
        if len(widths) != len(kernels) or not widths:
            raise ValueError(
                "SameConvEncoder: expected a kernel for each of at least one width, "
                f"found widths {tuple(widths)} and kernels {tuple(kernels)}"
            )
        channels = (3, *widths)
        self.convolutions = nn.ModuleList(
            SameConv2d(inputs, outputs, kernel, stride=2)
            for inputs, outputs, kernel in zip(
                channels[:-1], widths, kernels, strict=True
            )
        )
        side = -(-image_size // 2 ** len(widths))
        self.dense = nn.Linear(side * side * widths[-1], out_features)
        self.image_size = image_size
        self.out_features = out_features
        initialize(self, initialization, "encoder")

    def forward(self, images: Tensor) -> Tensor:
        """Encode images one by one.

        Args:
            images: (N, 3, H, W).

        Returns:
            Codes, (N, out_features), not negative.

        Raises:
            ValueError: If the images have another size.
        """
        if images.shape[-2:] != (self.image_size, self.image_size):
            raise ValueError(
                f"SameConvEncoder: expected images of {self.image_size} pixels "
                f"(image_size), found {images.shape[-2]}x{images.shape[-1]}"
            )
        x = images
        for convolution in self.convolutions:
            x = F.relu(convolution(x))
        return F.relu(self.dense(x.permute(0, 2, 3, 1).flatten(1)))
