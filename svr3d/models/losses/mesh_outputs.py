# SPDX-License-Identifier: Apache-2.0
"""What losses on the shape of meshes have in common."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from svr3d.models.losses.view_outputs import entry


def vertices_and_faces(
    outputs: Mapping[str, Tensor], loss: nn.Module
) -> tuple[Tensor, Tensor]:
    """Return meshes that share their faces.

    Args:
        outputs: ``vertices`` (B, V, 3) and ``faces`` (F, 3).
        loss: The loss that asks, whose name goes into the message.

    Returns:
        Vertices, float32 at least, and faces.

    Raises:
        ValueError: If one is missing or of another shape.
    """
    vertices = entry(outputs, "vertices", loss, of="outputs")
    faces = entry(outputs, "faces", loss, of="outputs")
    for name, value, ndim in (("vertices", vertices, 3), ("faces", faces, 2)):
        if value.ndim != ndim or value.shape[-1] != 3:
            raise ValueError(
                f"{type(loss).__name__}: expected {name!r} of shape "
                f"{'(B, V, 3)' if ndim == 3 else '(F, 3)'}, found {tuple(value.shape)}"
            )
    vertices = vertices if vertices.dtype.itemsize > 4 else vertices.float()
    return vertices, faces


class KeptForFaces:
    """What was last computed of faces, for as long as they are the same tensor."""

    def __init__(self, compute: Callable[[Tensor], Any]):
        """Set up without anything kept.

        Args:
            compute: Faces (F, 3) -> what is kept.
        """
        self.compute = compute
        self._faces: Tensor | None = None
        self._version, self._value = 0, None

    def __call__(self, faces: Tensor) -> Any:
        """Return what belongs to the faces.

        Args:
            faces: (F, 3).
        """
        if self._faces is not faces or self._version != faces._version:
            self._value = self.compute(faces)
            self._faces, self._version = faces, faces._version
        return self._value


class MeshLoss(nn.Module):
    """A loss on the shape of meshes of common faces, compared with nothing."""

    def __init__(self, weight: float = 1.0):
        """Set up the loss.

        Args:
            weight: Factor.
        """
        super().__init__()
        self.weight = weight

    def forward(self, outputs: dict[str, Tensor], batch: dict[str, Tensor]) -> Tensor:
        """Measure meshes.

        Args:
            outputs: ``vertices`` (B, V, 3) and ``faces`` (F, 3).
            batch: Unused.

        Returns:
            Scalar.

        Raises:
            ValueError: If there are no meshes of common faces.
        """
        return self.weight * self.measure(*vertices_and_faces(outputs, self))

    @abstractmethod
    def measure(self, vertices: Tensor, faces: Tensor) -> Tensor:
        """Return the unweighted value of vertices (B, V, 3) and faces (F, 3)."""
