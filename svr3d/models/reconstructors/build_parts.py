# SPDX-License-Identifier: Apache-2.0
"""From configs of parts to modules."""

import re
from collections.abc import Mapping, Sequence

from mmengine.registry import Registry
from torch import nn

from svr3d.registry import LOSSES

# VoxelSoftIoU -> voxel_soft_iou: IoU is one word although two of its letters are large.
_WORD = re.compile(r"IoU|[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+")


def build_part(part: dict | nn.Module, registry: Registry) -> nn.Module:
    """Return a part that is built already, or the part of a config."""
    return part if isinstance(part, nn.Module) else registry.build(part)


def named_losses(losses: Sequence | Mapping) -> dict[str, nn.Module]:
    """Return losses by name.

    Args:
        losses: One part, parts by name, or parts named by their class.

    Raises:
        ValueError: If two of a list have one class.
    """
    if isinstance(losses, Mapping) and "type" in losses:
        losses = [losses]
    if isinstance(losses, Mapping):
        return {name: build_part(part, LOSSES) for name, part in losses.items()}
    named: dict[str, nn.Module] = {}
    for part in losses:
        module = build_part(part, LOSSES)
        name = "_".join(_WORD.findall(type(module).__name__)).lower()
        if name in named:
            raise ValueError(
                f"losses: found {type(module).__name__} twice; give them names in a "
                "dict"
            )
        named[name] = module
    return named
