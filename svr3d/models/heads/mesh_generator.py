# SPDX-License-Identifier: Apache-2.0
"""A head that moves each vertex of a sphere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from svr3d.geometry.mirror_halves import mirror_halves
from svr3d.geometry.template_meshes import icosphere
from svr3d.models.heads.deformed_template import template_structure
from svr3d.models.layers.code_reduction import check_reduction, reduce_code
from svr3d.registry import HEADS

if TYPE_CHECKING:
    from svr3d.structures import Mesh

_AXES = {"x": 0, "y": 1, "z": 2}


@HEADS.register_module()
class MeshGenerator(nn.Module):
    """Predicts an offset for each vertex of an icosphere, all by linear layers.

    The vertices are ``scale * (sphere + offset)``, the faces those of the sphere,
    counter-clockwise as seen from outside. With a ``mirror_axis`` the offsets of one
    half are those of the other in the mirror, and vertices on the plane between them
    stay there. The sphere is no part of the state.

    Source: ``Mesh_Generator`` and ``Mesh_Generator_symmetry`` in models.py of
    bomb2peng/learn3D (Peng et al., "Learning pose-invariant 3D object reconstruction
    from single-view images", 2020), whose symmetric form mirrors z. Its vertices have
    another order, which the converter of its weights takes care of.

    Attributes:
        template: (V, 3) vertices of the unit sphere.
        faces: (F, 3) int64.
    """

    def __init__(
        self,
        code_features: int = 512,
        *,
        hidden_features: Sequence[int] = (1024, 2048),
        subdivisions: int = 3,
        scale: float = 0.5,
        mirror_axis: str | None = None,
        code_reduction: str = "flatten",
    ):
        """Set up the layers.

        Args:
            code_features: Length C of the code.
            hidden_features: Features behind the layers before the last.
            subdivisions: Of the icosphere; 3 give 642 vertices and 1,280 faces.
            scale: Factor of sphere and offsets.
            mirror_axis: 'x', 'y' or 'z' of the object frame, the normal of the plane
                that shapes are symmetric in; None for any shape.
            code_reduction: How a code that is a coarse grid becomes a vector, 'mean'
                or 'flatten'; see ``OccupancyHead``.

        Raises:
            ValueError: If an option is unknown.
        """
        super().__init__()
        if mirror_axis is not None and mirror_axis not in _AXES:
            raise ValueError(
                "MeshGenerator: expected mirror_axis None, 'x', 'y' or 'z', found "
                f"{mirror_axis!r}"
            )
        vertices, faces = icosphere(subdivisions, project_each=True)
        template = torch.tensor(vertices, dtype=torch.float32)
        self.register_buffer("template", template, persistent=False)
        self.register_buffer("faces", torch.tensor(faces), persistent=False)
        self.code_features, self.scale = code_features, scale
        self.mirror_axis = mirror_axis
        self.code_reduction = check_reduction(code_reduction, "MeshGenerator")
        outputs = 3 * len(template)
        if mirror_axis is not None:
            source, sign, outputs = _mirrored(template, _AXES[mirror_axis])
            self.register_buffer("source", source, persistent=False)
            self.register_buffer("sign", sign, persistent=False)
        widths = (code_features, *hidden_features)
        self.layers = nn.ModuleList(
            nn.Linear(first, second)
            for first, second in zip(widths, hidden_features, strict=False)
        )
        self.last_layer = nn.Linear(widths[-1], outputs)

    def forward(self, codes: Tensor) -> dict[str, Tensor]:
        """Decode codes.

        Args:
            codes: (B, C) or (B, C, r, r, r).

        Returns:
            ``vertices`` (B, V, 3) in the object frame, and ``faces`` (F, 3).

        Raises:
            ValueError: If the codes have another length.
        """
        x = reduce_code(codes, self.code_reduction)
        if x.shape[1] != self.code_features:
            raise ValueError(
                f"MeshGenerator: expected codes of {self.code_features} numbers "
                f"(code_features), found {x.shape[1]}"
            )
        for layer in self.layers:
            x = F.relu(layer(x))
        # Half precision would make steps of the surface.
        offsets = self.last_layer(x).to(self.template.dtype)
        if self.mirror_axis is not None:
            offsets = offsets.index_select(1, self.source) * self.sign
        vertices = self.scale * (self.template + offsets.unflatten(1, (-1, 3)))
        return {"vertices": vertices, "faces": self.faces}

    def to_structure(self, outputs: dict[str, Tensor]) -> Mesh:
        """Return the meshes.

        Args:
            outputs: What :meth:`forward` returned.
        """
        return template_structure(outputs["vertices"], outputs["faces"])


def _mirrored(template: Tensor, axis: int) -> tuple[Tensor, Tensor, int]:
    """Return the output that each of the 3 V offsets is, its sign, and how many.

    The layer's outputs are the two free coordinates of each vertex on the plane, then
    all three of those on the positive side.
    """
    plane, positive, image = mirror_halves(template, axis)
    free = [other for other in range(3) if other != axis]
    source = torch.zeros(len(template), 3, dtype=torch.int64)
    sign = torch.ones(len(template), 3)
    source[plane[:, None], free] = torch.arange(2 * len(plane)).view(-1, 2)
    sign[plane, axis] = 0
    own = 2 * len(plane) + torch.arange(3 * len(positive)).view(-1, 3)
    source[positive], source[image] = own, own
    sign[image, axis] = -1
    return source.flatten(), sign.flatten(), 2 * len(plane) + 3 * len(positive)
