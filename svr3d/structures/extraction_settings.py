# SPDX-License-Identifier: Apache-2.0
"""How surfaces of occupancy fields are extracted."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ExtractionSettings:
    """How surfaces of occupancy fields are extracted.

    Attributes:
        resolution: Cells along one axis at first.
        upsampling_steps: How often a cell is split; 0 evaluates a regular grid with
            ``resolution`` points along one axis.
        refinement_steps: Gradient steps that pull the surface to its level.
        simplify_faces: Most faces of a mesh; None leaves them all.
        padding: What the box that is searched is larger than the object frame, 0.1 for
            ``[-0.55, 0.55]^3``.
        seed: Of the points that refinement draws.
    """

    resolution: int = 32
    upsampling_steps: int = 2
    refinement_steps: int = 0
    simplify_faces: int | None = None
    padding: float = 0.1
    seed: int = 0

    def __post_init__(self):
        for name, low in (
            ("resolution", 2),
            ("upsampling_steps", 0),
            ("refinement_steps", 0),
        ):
            value = getattr(self, name)
            if not isinstance(value, int) or value < low:
                raise ValueError(f"{name}: expected an int >= {low}, found {value!r}")
        if self.padding < 0:
            raise ValueError(f"padding: expected at least 0, found {self.padding}")
        if self.simplify_faces is not None and self.simplify_faces < 4:
            raise ValueError(
                f"simplify_faces: expected None or at least 4, the faces of the "
                f"smallest closed mesh, found {self.simplify_faces}"
            )

    @property
    def box_size(self) -> float:
        """Side of the box that is searched."""
        return 1 + self.padding
