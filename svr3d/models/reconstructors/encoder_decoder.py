# SPDX-License-Identifier: Apache-2.0
"""The reconstructor of supervised methods: backbone, fusion of views, head."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.registry import MODELS, Registry
from torch import Tensor, nn

from svr3d.models.layers.memory_format import lay_out_channels_last
from svr3d.models.reconstructors.base import BaseReconstructor
from svr3d.registry import BACKBONES, HEADS, LOSSES

# Upright objects stay upright.
_MIRROR_AXES = {"x": 0, "z": 2}


@MODELS.register_module()
class EncoderDecoder(BaseReconstructor):
    """Encodes each view, fuses the views, decodes the code into a representation.

    All views of all samples pass the backbone in one call, except in training with
    ``encode_views='one_by_one'``: batch norms then normalise each view position by
    statistics of its own, as programs do that loop over views. The number of views is
    that of the batch and may differ from batch to batch.
    """

    def __init__(
        self,
        backbone: dict | nn.Module,
        head: dict | nn.Module,
        *,
        fusion: dict | nn.Module | None = None,
        losses: Sequence[dict | nn.Module] | Mapping[str, dict | nn.Module] = (),
        encode_views: str = "together",
        channels_last: bool = False,
        mirror_axis: str | None = None,
        data_preprocessor: dict | nn.Module | None = None,
        init_cfg: dict | list | None = None,
    ):
        """Set up the model from parts, each a config dict or a built module.

        Args:
            backbone: Images (B*V, 3, H, W) -> features (B*V, C).
            head: Code -> dict of tensors, with ``to_structure(outputs)``.
            fusion: Features (B, V, C) -> code. None takes the only view's features.
            losses: Parts ``loss(outputs, batch) -> scalar``; a dict names them, in a
                list they are named by their class.
            encode_views: 'together' or 'one_by_one', how training encodes views.
            channels_last: Whether weights and images are laid out channels-last, which
                makes convolutions faster on CPUs and in half precision on GPUs.
            mirror_axis: Axis of the object frame, 'x' or 'z', for models that
                were trained on mirrored objects too (``RandomMirror``): predictions
                are averaged with those from mirrored views, mirrored back along it.
                None predicts once.
            data_preprocessor: Moves and normalises a batch.
            init_cfg: mmengine initialisation, applied before training.

        Raises:
            ValueError: If ``encode_views`` or ``mirror_axis`` is none of these, or two
                losses share a name.
        """
        super().__init__(data_preprocessor, init_cfg=init_cfg)
        if encode_views not in ("together", "one_by_one"):
            raise ValueError(
                "encode_views: expected 'together' or 'one_by_one', "
                f"found {encode_views!r}"
            )
        if mirror_axis is not None and mirror_axis not in _MIRROR_AXES:
            raise ValueError(
                f"mirror_axis: expected None, 'x' or 'z', found {mirror_axis!r}"
            )
        self.encode_views = encode_views
        self.mirror_axis = mirror_axis
        self.backbone = _build(backbone, BACKBONES)
        self.fusion = None if fusion is None else _build(fusion, MODELS)
        self.head = _build(head, HEADS)
        self.losses = nn.ModuleDict(_named_losses(losses))
        self.channels_last = channels_last
        if channels_last:
            lay_out_channels_last(self)

    def encode(self, images: Tensor) -> Tensor:
        """Encode and fuse the views of each sample.

        Args:
            images: (B, V, 3, H, W), normalised.

        Returns:
            Code, (B, C) or (B, C, r, r, r).

        Raises:
            ValueError: If there is no view, or several without a fusion.
        """
        batch, views = images.shape[:2]
        flat = images.flatten(0, 1)
        if self.channels_last:
            flat = flat.contiguous(memory_format=torch.channels_last)
        if views < 1 or (views > 1 and self.fusion is None):
            raise ValueError(
                f"images: found {views} views per sample, expected "
                f"{'at least 1' if self.fusion else '1, as the model has no fusion'}"
            )
        if self.training and self.encode_views == "one_by_one":
            each = [self.backbone(flat[view::views]) for view in range(views)]
            features = torch.stack(each, dim=1)
        else:
            features = self.backbone(flat).unflatten(0, (batch, views))
        return features.squeeze(1) if self.fusion is None else self.fusion(features)

    def outputs(self, batch: dict[str, Any]) -> dict[str, Tensor]:
        """Return what the head makes of a batch.

        Args:
            batch: Normalised batch with ``images``.
        """
        return self.head(self.encode(batch["images"]))

    def loss(self, batch: dict[str, Any]) -> dict[str, Tensor]:
        """Return each loss part's value.

        Args:
            batch: Normalised batch with ``images`` and the losses' targets.

        Returns:
            Scalars named ``loss_<part>``.
        """
        outputs = self.outputs(batch)
        return {
            f"loss_{name}": part(outputs, batch) for name, part in self.losses.items()
        }

    def predict(self, batch: dict[str, Any]):
        """Return the reconstructed shapes as the head's structure.

        Args:
            batch: Normalised batch with ``images``.
        """
        structure = self.head.to_structure(self.outputs(batch))
        if self.mirror_axis is None:
            return structure
        turned = self.outputs({**batch, "images": batch["images"].flip(-1)})
        turned = self.head.to_structure(turned)
        return structure.average(turned.mirror(_MIRROR_AXES[self.mirror_axis]))


def _build(part: dict | nn.Module, registry: Registry) -> nn.Module:
    return part if isinstance(part, nn.Module) else registry.build(part)


# VoxelSoftIoU -> voxel_soft_iou: IoU is one word although two of its letters are large.
_WORD = re.compile(r"IoU|[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+")


def _named_losses(losses: Sequence | Mapping) -> dict[str, nn.Module]:
    if isinstance(losses, Mapping) and "type" in losses:
        losses = [losses]
    if isinstance(losses, Mapping):
        return {name: _build(part, LOSSES) for name, part in losses.items()}
    named: dict[str, nn.Module] = {}
    for part in losses:
        module = _build(part, LOSSES)
        name = "_".join(_WORD.findall(type(module).__name__)).lower()
        if name in named:
            raise ValueError(
                f"losses: found {type(module).__name__} twice; give them names in a "
                "dict"
            )
        named[name] = module
    return named
