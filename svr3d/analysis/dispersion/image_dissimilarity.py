# SPDX-License-Identifier: Apache-2.0
"""Features of images, whose mean squared differences tell how dispersed images are.

An extractor is any ``extractor(images, masks) -> (N, F)`` registered in MODELS:
``PerceptualFeatures`` of the published scores, and the ones of this module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import torch
from mmengine.registry import MODELS
from torch import Tensor, nn

from svr3d.analysis.image_features import view_features
from svr3d.errors import DataError

Extractor = Callable[[Tensor, Tensor | None], Tensor]


@MODELS.register_module()
class PixelFeatures(nn.Module):
    """The images' own numbers."""

    def forward(self, images: Tensor, masks: Tensor | None = None) -> Tensor:
        """Return images (N, 3, H, W) as (N, 3 H W); masks are not looked at."""
        return images.flatten(1).float()


@MODELS.register_module()
class SilhouetteFeatures(nn.Module):
    """Silhouette and shading at one scale and place, without any training.

    See :func:`svr3d.analysis.image_features.view_features`.
    """

    def forward(self, images: Tensor, masks: Tensor | None = None) -> Tensor:
        """Describe images (N, 3, H, W) in [0, 1] and masks (N, 1, H, W) or None.

        Returns:
            (N, 800), of the silhouette (400) and the grey image in it (400).
        """
        return view_features(images.cpu(), None if masks is None else masks.cpu())


class EncoderFeatures(nn.Module):
    """The codes that the encoder of a trained model makes of images."""

    def __init__(self, model: nn.Module):
        """Take the encoder of a model.

        Args:
            model: Its data preprocessor normalises images. Of an ``EncoderDecoder`` the
                backbone makes a vector of each; of others it is their ``code``, of
                images, masks or both.

        Raises:
            DataError: If the model has neither.
        """
        super().__init__()
        self._by_backbone = hasattr(model, "backbone") and hasattr(model, "encode_each")
        if not self._by_backbone and not hasattr(model, "code"):
            raise DataError(
                f"{type(model).__name__}: expected a model with a backbone for images "
                "or a code"
            )
        self.model = model.eval()

    @torch.no_grad()
    def forward(self, images: Tensor, masks: Tensor | None = None) -> Tensor:
        """Return the codes (N, C).

        Args:
            images: RGB (N, 3, H, W) in [0, 1].
            masks: (N, 1, H, W), for models that see them.

        Raises:
            ConfigError: If the model's method has no code.
            ValueError: If the model sees masks and there are none.
        """
        batch = {"images": images[:, None]}
        if masks is not None:
            batch["masks"] = masks
        data = self.model.data_preprocessor(batch, False)
        if self._by_backbone:
            features = self.model.backbone(data["images"].flatten(0, 1))
        else:
            features = self.model.code(data)
        return features.flatten(1).float()


def extract_features(
    extractor: Extractor,
    views: Iterable[tuple[Tensor, Tensor | None]],
    *,
    batch_size: int = 32,
    device: str | torch.device = "cpu",
) -> np.ndarray:
    """Describe images in batches.

    Args:
        extractor: Images (N, 3, H, W) and masks (N, 1, H, W) or None -> (N, F).
        views: One image (3, H, W) in [0, 1] and its mask (1, H, W) or None, each.
        batch_size: Images per call.
        device: Where the extractor runs.

    Returns:
        float32 (N, F).

    Raises:
        DataError: If there is no image, or images or features differ in size.
    """
    if isinstance(extractor, nn.Module):
        extractor.to(device)
    parts: list[np.ndarray] = []
    waiting: list[tuple[Tensor, Tensor | None]] = []

    def describe() -> None:
        images = torch.stack([image for image, _ in waiting]).to(device)
        masks = None
        if all(mask is not None for _, mask in waiting):
            masks = torch.stack([mask for _, mask in waiting]).to(device)
        parts.append(extractor(images, masks).float().cpu().numpy())
        waiting.clear()

    for index, (image, mask) in enumerate(views):
        if waiting and image.shape != waiting[0][0].shape:
            raise DataError(
                f"image {index}: expected {tuple(waiting[0][0].shape)} like those "
                f"before it, found {tuple(image.shape)}"
            )
        waiting.append((image, mask))
        if len(waiting) == batch_size:
            describe()
    if waiting:
        describe()
    if not parts:
        raise DataError("images: expected at least one, found none")
    return np.concatenate(parts)
