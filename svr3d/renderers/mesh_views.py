# SPDX-License-Identifier: Apache-2.0
"""From where meshes are seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, eq=False)
class MeshViews:
    """V views of each of B meshes, as angles, rotations or both.

    Attributes:
        angles: (B, V, 3) azimuth and elevation in degrees and distance, as the camera
            of the neural mesh renderer takes them; see
            :func:`svr3d.renderers.neural_cameras.points_from_angles`.
        rotations: (B, V, 3, 3) for the orthographic camera, of the renderer's world,
            whose z is that of the object frame negated.
    """

    angles: Tensor | None = None
    rotations: Tensor | None = None

    def __post_init__(self):
        for name, tail in (("angles", (3,)), ("rotations", (3, 3))):
            value = getattr(self, name)
            if value is not None and (
                value.ndim != 2 + len(tail) or tuple(value.shape[2:]) != tail
            ):
                inner = ", ".join(map(str, tail))
                raise ValueError(
                    f"{name}: expected shape (B, V, {inner}), found "
                    f"{tuple(value.shape)}"
                )
        if self.angles is None and self.rotations is None:
            raise ValueError("MeshViews: expected angles or rotations, found neither")
        both = self.angles is not None and self.rotations is not None
        if both and self.angles.shape[:2] != self.rotations.shape[:2]:
            raise ValueError(
                "MeshViews: expected angles and rotations of the same views, found "
                f"{tuple(self.angles.shape)} and {tuple(self.rotations.shape)}"
            )

    @classmethod
    def from_batch(cls, batch: Mapping[str, Tensor]) -> MeshViews:
        """Return the views of a batch.

        Args:
            batch: ``view_angles`` (B, V, 3), ``rotations`` (B, V, 3, 3) or both.

        Raises:
            ValueError: If it has neither.
        """
        if "view_angles" not in batch and "rotations" not in batch:
            raise ValueError(
                "batch: expected 'view_angles' or 'rotations', found "
                f"{', '.join(map(repr, batch)) or 'nothing'}"
            )
        return cls(batch.get("view_angles"), batch.get("rotations"))

    @property
    def shape(self) -> tuple[int, int]:
        """Meshes B and views V of each."""
        given = self.angles if self.rotations is None else self.rotations
        return given.shape[0], given.shape[1]

    def select(self, index: slice | Tensor) -> MeshViews:
        """Return some of each mesh's views.

        Args:
            index: Slice, or indices (K,), of the views.
        """
        fields = (self.angles, self.rotations)
        return MeshViews(*(None if f is None else f[:, index] for f in fields))

    def replace(
        self, *, angles: Tensor | None = None, rotations: Tensor | None = None
    ) -> MeshViews:
        """Return other views of the same meshes.

        Args:
            angles: In place of those here, which stay with None.
            rotations: The same for rotations.
        """
        return MeshViews(
            self.angles if angles is None else angles,
            self.rotations if rotations is None else rotations,
        )
