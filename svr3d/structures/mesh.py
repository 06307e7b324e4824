# SPDX-License-Identifier: Apache-2.0
"""Batches of triangle meshes of different sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from .base import Structure

if TYPE_CHECKING:
    from .point_cloud import PointCloud
    from .voxels import Voxels


@dataclass(repr=False, eq=False)
class Mesh(Structure):
    """A batch of triangle meshes.

    Attributes:
        vertices: For each sample (V_i, 3), in the object frame; a tensor (B, V, 3) is
            taken too.
        faces: For each sample (F_i, 3) int64; a tensor (F, 3) is shared by all samples.
        colors: For each sample (V_i, 3) vertex colours in [0, 1], or None.
    """

    vertices: Sequence[torch.Tensor]
    faces: Sequence[torch.Tensor]
    colors: Sequence[torch.Tensor] | None = None

    def __post_init__(self):
        self.vertices = list(self.vertices)
        if isinstance(self.faces, torch.Tensor) and self.faces.ndim == 2:
            self.faces = [self.faces] * len(self.vertices)
        self.faces = list(self.faces)
        if self.colors is not None:
            self.colors = list(self.colors)
        for name in ("faces", "colors"):
            part = getattr(self, name)
            if part is not None and len(part) != len(self.vertices):
                raise ValueError(
                    f"{len(self.vertices)} samples have vertices, {len(part)} {name}"
                )
        for name in ("vertices", "faces"):
            for index, part in enumerate(getattr(self, name)):
                if part.ndim != 2 or part.shape[1] != 3:
                    raise ValueError(
                        f"{name}[{index}] must be (N, 3), found {tuple(part.shape)}"
                    )

    def __len__(self) -> int:
        return len(self.vertices)

    def _select(self, index: slice) -> Mesh:
        colors = None if self.colors is None else self.colors[index]
        return Mesh(self.vertices[index], self.faces[index], colors)

    @classmethod
    def cat(cls, batches: Sequence[Mesh]) -> Mesh:
        """Join batches into one; colours stay only if all batches have them."""
        colors = None
        if all(batch.colors is not None for batch in batches):
            colors = [part for batch in batches for part in batch.colors]
        return cls(
            [part for batch in batches for part in batch.vertices],
            [part for batch in batches for part in batch.faces],
            colors,
        )

    def to(self, device: torch.device | str) -> Mesh:
        """Return the meshes on another device."""
        colors = self.colors
        return Mesh(
            [part.to(device) for part in self.vertices],
            [part.to(device) for part in self.faces],
            None if colors is None else [part.to(device) for part in colors],
        )

    @property
    def triangles(self) -> torch.Tensor:
        """Corners (F, 3, 3) of the only sample's faces."""
        self._require_single()
        return self.vertices[0][self.faces[0]]

    def vertex_normals(self) -> list[torch.Tensor]:
        """Unit normals (V_i, 3) at the vertices, weighted by the faces' areas.

        Vertices without a face of positive area get zeros.
        """
        normals = []
        for vertices, faces in zip(self.vertices, self.faces, strict=True):
            a, b, c = vertices[faces].unbind(1)
            face_normals = torch.linalg.cross(b - a, c - a)
            total = torch.zeros_like(vertices)
            for corner in range(3):
                total = total.index_add(0, faces[:, corner], face_normals)
            normals.append(torch.nn.functional.normalize(total, dim=1, eps=1e-30))
        return normals

    def to_voxels(
        self, resolution: int = 32, *, mode: str = "inside", scale: float = 1.0
    ) -> Voxels:
        """Fill a grid with 0 and 1.

        Args:
            resolution: Cells along one axis.
            mode: ``inside`` takes cells whose centre is inside, ``surface`` cells that
                a triangle touches, ``solid`` both; others are those of
                :func:`svr3d.ops.voxelize_meshes`.
            scale: Factor on the vertices before that, for grids over another cube.
        """
        from svr3d.ops.voxelize_meshes import voxelize_meshes

        from .voxels import Voxels

        grids = []
        for vertices, faces in zip(self.vertices, self.faces, strict=True):
            if len(faces) == 0:
                grid = torch.zeros((resolution,) * 3, dtype=torch.uint8)
            else:
                # In double, so that float32 vertices are not rounded a second time.
                scaled = vertices if scale == 1 else vertices.double() * scale
                grid = voxelize_meshes(scaled, faces, resolution, mode=mode)
            grids.append(grid.to(vertices.device, torch.float32))
        return Voxels(torch.stack(grids))

    def to_mesh(self) -> Mesh:
        """Return the meshes themselves."""
        return self

    def to_points(self, num_points: int, *, seed: int = 0) -> PointCloud:
        """Sample the surface uniformly by area.

        Args:
            num_points: Points of each sample.
            seed: Of the random draws; the points of a sample do not depend on the
                others of its batch.

        Returns:
            Points with the normals of their faces. The points carry gradients to the
            vertices.

        Raises:
            ValueError: A mesh has no face of positive area.
        """
        from svr3d.ops.sample_surface import sample_surface

        from .point_cloud import PointCloud

        samples = [
            sample_surface(vertices, faces, num_points, seed=seed)[:2]
            for vertices, faces in zip(self.vertices, self.faces, strict=True)
        ]
        points, normals = zip(*samples, strict=True)
        return PointCloud(list(points), list(normals))
