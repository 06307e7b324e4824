# SPDX-License-Identifier: Apache-2.0
"""The base class of networks that a reconstructor is trained against."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from svr3d.renderers.mesh_views import MeshViews

Render = Callable[[MeshViews], Tensor]


class Adversary(nn.Module):
    """A critic of codes or silhouettes, with objectives of its own and of its foes.

    Attributes:
        objectives: Names of what can be asked of it; a training step asks one.
    """

    objectives: tuple[str, ...] = ()

    @abstractmethod
    def forward(
        self,
        objective: str,
        outputs: dict[str, Tensor],
        batch: dict[str, Any],
        render: Render,
    ) -> dict[str, Tensor]:
        """Return the values of an objective.

        Args:
            objective: One of ``objectives``.
            outputs: ``codes`` (B, C) and ``silhouettes`` (B, V, S, S) of the meshes.
            batch: Says from where the images were taken.
            render: Other views (B, V) of the same meshes -> silhouettes (B, V, S, S).

        Returns:
            Scalars; those with 'loss' in their name are summed, others logged.
        """

    def check_objective(self, objective: str) -> None:
        """Raise unless an objective is known.

        Raises:
            ValueError: If it is not.
        """
        if objective not in self.objectives:
            raise ValueError(
                f"{type(self).__name__}: expected an objective of "
                f"{', '.join(self.objectives)}, found {objective!r}"
            )


def view_classes(batch: Mapping[str, Any], part: nn.Module, classes: int) -> Tensor:
    """Return the view class of each sample, (B,) int64.

    Args:
        batch: ``view_classes`` (B,) or (B, 1).
        part: Who asks, whose name goes into the message.
        classes: Number of classes that it knows.

    Raises:
        ValueError: If they are missing, of several views, or out of range.
    """
    if "view_classes" not in batch:
        raise ValueError(
            f"{type(part).__name__}: expected 'view_classes' in the batch, found "
            f"{', '.join(map(repr, batch)) or 'nothing'}"
        )
    found = batch["view_classes"]
    if found.ndim == 2 and found.shape[1] == 1:
        found = found.squeeze(1)
    if found.ndim != 1:
        raise ValueError(
            f"view_classes: expected shape (B, 1), found {tuple(found.shape)}"
        )
    # On a GPU the comparison would wait for it; the ops there check for themselves.
    if found.is_cpu and found.numel() and not 0 <= found.min() <= found.max() < classes:
        raise ValueError(
            f"view_classes: expected 0 to {classes - 1}, as {type(part).__name__} has "
            f"{classes} classes, found {int(found.min())} to {int(found.max())}"
        )
    return found.long()
