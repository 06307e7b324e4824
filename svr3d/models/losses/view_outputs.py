# SPDX-License-Identifier: Apache-2.0
"""What losses on rendered views read from outputs and batch."""

from collections.abc import Mapping

from torch import Tensor, nn


def entry(entries: Mapping[str, Tensor], key: str, loss: nn.Module, *, of: str):
    """Return an entry.

    Args:
        entries: Outputs or batch.
        key: Its name.
        loss: The loss that asks, whose name goes into the message.
        of: 'outputs' or 'batch', for the message.

    Raises:
        ValueError: If it is missing.
    """
    if key not in entries:
        raise ValueError(
            f"{type(loss).__name__}: expected {key!r} in the {of}, found "
            f"{', '.join(map(repr, entries)) or 'nothing'}"
        )
    return entries[key]


def masks_of_views(batch: Mapping[str, Tensor], key: str, loss: nn.Module) -> Tensor:
    """Return masks (B, V, H, W) float32 of (B, V, H, W) or (B, V, 1, H, W).

    Args:
        batch: Holds ``key``.
        key: Its name.
        loss: The loss that asks, whose name goes into the message.

    Raises:
        ValueError: If it is missing.
    """
    masks = entry(batch, key, loss, of="batch").float()
    return masks.squeeze(2) if masks.ndim == 5 and masks.shape[2] == 1 else masks


def silhouettes_and_masks(
    outputs: Mapping[str, Tensor],
    batch: Mapping[str, Tensor],
    keys: tuple[str, str],
    loss: nn.Module,
) -> tuple[Tensor, Tensor]:
    """Return drawn silhouettes and what they should be, both (B, V, H, W) float32.

    Args:
        outputs: ``keys[0]`` (B, V, H, W) in [0, 1].
        batch: ``keys[1]``, the same shape or (B, V, 1, H, W).
        keys: Names in outputs and batch.
        loss: The loss that asks, whose name goes into the message.

    Raises:
        ValueError: If one is missing, or they differ in shape.
    """
    found = entry(outputs, keys[0], loss, of="outputs").float()
    target = masks_of_views(batch, keys[1], loss).to(found)
    if found.shape != target.shape or found.ndim != 4:
        raise ValueError(
            f"{type(loss).__name__}: expected {keys[1]!r} of shape "
            f"{tuple(found.shape)} like {keys[0]!r}, found {tuple(target.shape)}"
        )
    return found, target
