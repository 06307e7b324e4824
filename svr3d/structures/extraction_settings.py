# SPDX-License-Identifier: Apache-2.0
"""How the surface of an occupancy field is extracted."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ExtractionSettings:
    """Extraction of a surface by a grid that is refined where the surface is.

    Attributes:
        resolution: Cells along one axis of the first grid.
        upsampling_steps: Times that the cells at the surface are halved; the mesh has
            the detail of ``resolution * 2 ** upsampling_steps`` cells.
        padding: The grid spans ``[-(1 + padding) / 2, (1 + padding) / 2]`` per axis.
        refinement_steps: Steps that move the vertices along the field's gradient.
        simplify_faces: Faces to which the mesh is simplified; None keeps all.
    """

    resolution: int = 32
    upsampling_steps: int = 2
    padding: float = 0.1
    refinement_steps: int = 0
    simplify_faces: int | None = None

    def __post_init__(self):
        least = {
            "resolution": 1,
            "upsampling_steps": 0,
            "padding": 0,
            "refinement_steps": 0,
        }
        for name, value in least.items():
            if getattr(self, name) < value:
                raise ValueError(
                    f"{name}: expected at least {value}, found {getattr(self, name)}"
                )
        if self.simplify_faces is not None and self.simplify_faces < 4:
            raise ValueError(
                f"simplify_faces: expected None or at least 4, found "
                f"{self.simplify_faces}"
            )
