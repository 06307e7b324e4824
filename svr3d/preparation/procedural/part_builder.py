# SPDX-License-Identifier: Apache-2.0
"""Closed, coloured primitives that make up procedural objects."""

from collections.abc import Sequence

import numpy as np

from svr3d.io.meshes import MeshData

Vector = Sequence[float]
Color = Sequence[int]

# Vertices lie on a grid of this step, so that the last bit of a machine's sine and
# cosine does not decide what a file contains.
_GRID = 1e-5


class PartBuilder:
    """Collects closed parts and merges them into one mesh.

    Units are metres, y is up, and objects face +z. Parts may overlap.
    """

    def __init__(self):
        self._vertices: list[np.ndarray] = []
        self._faces: list[np.ndarray] = []
        self._colors: list[np.ndarray] = []
        self._count = 0

    def build(self) -> MeshData:
        """Return all parts as one mesh with a colour per face."""
        vertices = np.round(np.concatenate(self._vertices) / _GRID) * _GRID
        return MeshData(
            vertices,
            np.concatenate(self._faces),
            face_colors=np.concatenate(self._colors),
        )

    def loft(self, loops: np.ndarray, color: Color) -> None:
        """Join loops of corners (M, N, 3) to a closed tube with fans at both ends."""
        loops = np.asarray(loops, dtype=np.float64)
        count, sides = loops.shape[:2]
        ends = loops[[0, -1]].mean(axis=1)
        vertices = np.concatenate([loops.reshape(-1, 3), ends])
        step, turn = np.meshgrid(np.arange(count - 1), np.arange(sides), indexing="ij")
        here, there = step * sides + turn, step * sides + (turn + 1) % sides
        quads = np.stack([here, there, there + sides, here + sides], -1).reshape(-1, 4)
        ring = np.arange(sides)
        following = (ring + 1) % sides
        last, centre = (count - 1) * sides, count * sides
        first_fan = np.stack([following, ring, np.full(sides, centre)], -1)
        last_fan = np.stack(
            [last + ring, last + following, np.full(sides, centre + 1)], -1
        )
        faces = np.concatenate(
            [quads[:, [0, 1, 2]], quads[:, [0, 2, 3]], first_fan, last_fan]
        )
        self._add(vertices, faces, color)

    def ring(self, loops: np.ndarray, color: Color) -> None:
        """Join loops of corners (M, N, 3) to a closed ring, the last to the first."""
        loops = np.asarray(loops, dtype=np.float64)
        count, sides = loops.shape[:2]
        step, turn = np.meshgrid(np.arange(count), np.arange(sides), indexing="ij")
        following, onward = (step + 1) % count * sides, (turn + 1) % sides
        quads = np.stack(
            [
                step * sides + turn,
                step * sides + onward,
                following + onward,
                following + turn,
            ],
            -1,
        ).reshape(-1, 4)
        faces = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
        self._add(loops.reshape(-1, 3), faces, color)

    def box(
        self,
        center: Vector,
        size: Vector,
        *,
        color: Color,
        taper: tuple[float, float] = (1.0, 1.0),
        shift: tuple[float, float] = (0.0, 0.0),
        turn: tuple[str, float] | None = None,
    ) -> None:
        """Add a box.

        Args:
            center: Centre (3,).
            size: Sides (3,) along x, y, z.
            color: RGB.
            taper: Size of the top over the bottom along x and z.
            shift: How far the top is moved along x and z.
            turn: Axis and degrees of a rotation around the centre.
        """
        square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) / 2
        width, height, depth = size
        loops = np.zeros((2, 4, 3))
        for level, (scale, moved) in enumerate((((1, 1), (0, 0)), (taper, shift))):
            loops[level, :, 0] = square[:, 0] * width * scale[0] + moved[0]
            loops[level, :, 1] = (level - 0.5) * height
            loops[level, :, 2] = square[:, 1] * depth * scale[1] + moved[1]
        if turn is not None:
            loops = loops @ _rotation(*turn).T
        self.loft(loops + np.asarray(center), color)

    def tube(
        self,
        start: Vector,
        end: Vector,
        radius: float,
        *,
        color: Color,
        end_radius: float | None = None,
        sides: int = 12,
    ) -> None:
        """Add a cylinder, or a cone stump, between two points."""
        start, end = np.asarray(start, float), np.asarray(end, float)
        axis = (end - start) / np.linalg.norm(end - start)
        other = np.eye(3)[np.argmin(np.abs(axis))]
        side = np.cross(axis, other)
        side /= np.linalg.norm(side)
        circle = _circle(sides) @ np.stack([side, np.cross(axis, side)])
        end_radius = radius if end_radius is None else end_radius
        self.loft(np.stack([start + radius * circle, end + end_radius * circle]), color)

    def lathe(
        self,
        profile: Sequence[tuple[float, float]],
        *,
        color: Color,
        center: Vector = (0.0, 0.0, 0.0),
        sides: int = 20,
        hollow: bool = False,
    ) -> None:
        """Turn a profile of (radius, height) pairs around the y axis.

        Args:
            profile: From bottom to top; if hollow, around the wall's cross-section.
            color: RGB.
            center: Where the profile's (0, 0) goes (3,).
            sides: Corners of each circle.
            hollow: Whether the profile is a closed loop that leaves the axis free.
        """
        circle = _circle(sides)
        loops = np.zeros((len(profile), sides, 3))
        for level, (radius, height) in enumerate(profile):
            loops[level, :, [0, 2]] = (max(radius, 1e-3) * circle).T
            loops[level, :, 1] = height
        (self.ring if hollow else self.loft)(loops + np.asarray(center), color)

    def ellipsoid(
        self, center: Vector, radii: Vector, *, color: Color, sides: int = 16
    ) -> None:
        """Add an ellipsoid with half-axes ``radii``."""
        angles = np.linspace(-np.pi / 2, np.pi / 2, sides // 2 + 1)
        circle = _circle(sides)
        loops = np.zeros((len(angles), sides, 3))
        for level, angle in enumerate(angles):
            loops[level, :, [0, 2]] = (max(np.cos(angle), 1e-2) * circle).T
            loops[level, :, 1] = np.sin(angle)
        self.loft(loops * np.asarray(radii) + np.asarray(center), color)

    def prism(
        self,
        outline: Sequence[tuple[float, float]],
        low: float,
        high: float,
        *,
        color: Color,
        shrink: float = 1.0,
    ) -> None:
        """Extrude an outline of (z, y) pairs along x, from ``low`` to ``high``.

        Args:
            outline: Corners; every one must see the outline's mean.
            low: Start along x.
            high: End along x.
            color: RGB.
            shrink: Size of the outline at both ends over the middle, around its mean.
        """
        outline = np.asarray(outline, dtype=np.float64)
        mean = outline.mean(axis=0)
        end = mean + shrink * (outline - mean)
        edge = 0.15 * (high - low) if shrink != 1.0 else 0.0
        levels = [(low, end), (low + edge, outline), (high - edge, outline)]
        levels = [levels[0], (high, end)] if not edge else [*levels, (high, end)]
        loops = np.zeros((len(levels), len(outline), 3))
        for level, (x, corners) in enumerate(levels):
            loops[level, :, 0] = x
            loops[level, :, 2], loops[level, :, 1] = corners.T
        self.loft(loops, color)

    def _add(self, vertices: np.ndarray, faces: np.ndarray, color: Color) -> None:
        corners = vertices[faces]
        volume = np.einsum(
            "ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])
        ).sum()
        if volume < 0:
            faces = faces[:, ::-1]
        self._vertices.append(vertices)
        self._faces.append(faces + self._count)
        self._colors.append(np.tile(np.uint8([*color, 255]), (len(faces), 1)))
        self._count += len(vertices)


def _circle(sides: int) -> np.ndarray:
    angles = np.arange(sides) * (2 * np.pi / sides)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _rotation(axis: str, degrees: float) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    first, second = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = c
    matrix[first, second], matrix[second, first] = -s, s
    return matrix
