# SPDX-License-Identifier: Apache-2.0
"""What the voxel losses take from a head and a batch."""

from torch import Tensor, nn


def logits_or_probabilities(
    outputs: dict[str, Tensor], batch: dict[str, Tensor], loss: nn.Module
) -> tuple[Tensor, Tensor, bool]:
    """Picks a head's prediction and its target, both float32.

    Args:
        outputs: ``logits`` or else ``probabilities``, (B, R, R, R).
        batch: ``voxels`` (B, R, R, R).
        loss: The loss that asks, whose name goes into the message.

    Returns:
        Prediction, target, and whether the prediction is logits.

    Raises:
        ValueError: If prediction and target differ in shape.
    """
    by_logits = "logits" in outputs
    predicted = outputs["logits" if by_logits else "probabilities"].float()
    target = batch["voxels"].to(predicted)
    if predicted.shape != target.shape:
        raise ValueError(
            f"{type(loss).__name__}: expected voxels of shape "
            f"{tuple(predicted.shape)} as predicted, found {tuple(target.shape)}"
        )
    return predicted, target, by_logits
