# SPDX-License-Identifier: Apache-2.0
"""Fewer triangles for the same shape."""

import torch
from torch import Tensor

from svr3d.errors import SVR3DError


def simplify_mesh(
    vertices: Tensor, faces: Tensor, num_faces: int, *, aggressiveness: float = 5.0
) -> tuple[Tensor, Tensor]:
    """Collapse edges by quadric errors until few enough faces are left.

    The algorithm is the fast quadric simplification that the occupancy networks'
    program uses, in the package ``fast-simplification``. Meshes that cannot be
    simplified so far without turning faces over keep more.

    Args:
        vertices: (V, 3).
        faces: (F, 3).
        num_faces: Most faces to keep.
        aggressiveness: How fast the error that is allowed grows; slower is better.

    Returns:
        Vertices (V', 3) and faces (F', 3) of the same dtypes; the same mesh if it is
        small enough.

    Raises:
        SVR3DError: If the package is not installed.
    """
    if len(faces) <= num_faces:
        return vertices, faces
    try:
        import fast_simplification
    except ImportError as error:
        raise SVR3DError(
            "simplify_faces: simplification needs the package fast-simplification "
            "(pip install 'svr3d[simplification]'), which is not installed; "
            "None leaves meshes as they are"
        ) from error
    points, triangles = fast_simplification.simplify(
        vertices.detach().cpu().double().numpy(),
        faces.cpu().int().numpy(),
        target_count=num_faces,
        agg=aggressiveness,
    )
    return (
        torch.as_tensor(points).to(vertices),
        torch.as_tensor(triangles).to(faces),
    )
