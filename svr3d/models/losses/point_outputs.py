# SPDX-License-Identifier: Apache-2.0
"""What losses on occupancies at points read from outputs and batch."""

from torch import Tensor, nn


def logits_and_labels(
    outputs: dict[str, Tensor], batch: dict[str, Tensor], loss: nn.Module
) -> tuple[Tensor, Tensor]:
    """Return a head's answers and their labels, both float32.

    Args:
        outputs: ``logits`` (B, T).
        batch: ``occupancies`` (B, T) in {0, 1}.
        loss: Whose name errors give.

    Raises:
        ValueError: If there are no labels, or they differ in shape.
    """
    name = type(loss).__name__
    logits = outputs["logits"].float()
    if "occupancies" not in batch:
        raise ValueError(
            f"{name}: expected 'occupancies' in the batch, found "
            f"{', '.join(map(repr, batch))}"
        )
    labels = batch["occupancies"].to(logits)
    if logits.shape != labels.shape:
        raise ValueError(
            f"{name}: expected occupancies of shape {tuple(logits.shape)} as "
            f"predicted, found {tuple(labels.shape)}"
        )
    return logits, labels
