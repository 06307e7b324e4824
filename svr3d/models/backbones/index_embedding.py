# SPDX-License-Identifier: Apache-2.0
"""Codes without an input: one per training object, or none at all."""

import torch
from torch import Tensor, nn

from svr3d.registry import BACKBONES


@BACKBONES.register_module()
class IndexEmbedding(nn.Module):
    """A trained code for each object of the training set.

    What a decoder can represent at all, without an encoder that must generalise.
    Source: encoder ``idx`` of Occupancy Networks, section 4.1 of the paper.

    Attributes:
        out_features: Length of the code.
    """

    def __init__(self, num_objects: int, out_features: int = 512):
        """Set up the codes, drawn from N(0, 1).

        Args:
            num_objects: Length of the training set.
            out_features: Length C of the code.
        """
        super().__init__()
        self.out_features = out_features
        self.codes = nn.Embedding(num_objects, out_features)

    def forward(self, index: Tensor) -> Tensor:
        """Look up codes.

        Args:
            index: (N,) int64, positions in the training set.

        Returns:
            Codes, (N, out_features).

        Raises:
            ValueError: If an index is beyond the training set.
        """
        if index.dim() != 1 or index.is_floating_point():
            raise ValueError(
                f"index: expected (N,) whole numbers, found {tuple(index.shape)} "
                f"{index.dtype}"
            )
        known = self.codes.num_embeddings
        if index.numel() and not 0 <= int(index.min()) <= int(index.max()) < known:
            raise ValueError(
                f"index: expected positions below {known} (num_objects), found "
                f"{int(index.min())} to {int(index.max())}"
            )
        return self.codes(index)


@BACKBONES.register_module()
class EmptyEncoder(nn.Module):
    """A code of length 0, for heads that answer without an input.

    Source: the unconditional models of Occupancy Networks, whose latent code is all
    that tells objects apart.

    Attributes:
        out_features: 0.
    """

    out_features = 0

    def forward(self, inputs: Tensor) -> Tensor:
        """Return empty codes.

        Args:
            inputs: (N, ...), of which only N matters.

        Returns:
            (N, 0) float32.
        """
        return torch.empty(len(inputs), 0, device=inputs.device)
