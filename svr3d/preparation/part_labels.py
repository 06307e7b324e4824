# SPDX-License-Identifier: Apache-2.0
"""Parts of a mesh, and which of them each pixel of its images shows."""

import cv2
import numpy as np
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from svr3d.io.mesh_data import MeshData
from svr3d.ops import rasterize_meshes
from svr3d.preparation.colored_cloud import look_up_texels
from svr3d.renderers.color_renderer import corner_colors

PART_RULES = ("none", "components", "materials")
MAX_PARTS = 7  # as many as the published pictures have colours for
_LEVELS = 16  # colours of a texture that fall into one step are one material


def label_faces(mesh: MeshData, rule: str, *, max_parts: int = MAX_PARTS) -> np.ndarray:
    """Return the part of each face.

    Mesh files name no parts, so that they are found by what holds them together:

    ``components``: faces that share corners, after equal positions are merged.
    ``materials``: faces of one colour, textures counted in steps of 16 levels.

    Parts are numbered by their area, the largest first, so that the numbers of
    different objects mean alike as far as their largest parts do. Where there are more
    than ``max_parts``, each of the others joins the nearest one that is left: the one
    whose centre, or whose colour, is nearest.

    Args:
        mesh: Geometry and colours.
        rule: One of the two above.
        max_parts: The most parts.

    Returns:
        Labels (F,) uint8 from 1 on.

    Raises:
        ValueError: If the rule is unknown.
    """
    if rule == "components":
        parts = _components(mesh)
        places = mesh.vertices[mesh.faces].mean(axis=1).astype(np.float64)
    elif rule == "materials":
        places = _face_colors(mesh)
        steps = (places / _LEVELS).astype(np.int64)
        parts = np.unique(steps, axis=0, return_inverse=True)[1].reshape(-1)
    else:
        raise ValueError(f"rule: expected one of {PART_RULES[1:]}, found {rule!r}")
    corners = mesh.vertices[mesh.faces].astype(np.float64)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    areas = np.linalg.norm(normals, axis=1) / 2
    sizes = np.bincount(parts, weights=areas)
    order = np.argsort(-sizes, kind="stable")
    weights = np.maximum(np.bincount(parts, weights=areas), 1e-30)
    centers = np.stack(
        [np.bincount(parts, weights=areas * axis) / weights for axis in places.T], 1
    )
    kept = order[:max_parts]
    labels = np.empty(len(sizes), np.uint8)
    for part, center in enumerate(centers):
        distances = np.square(centers[kept] - center).sum(axis=1)
        labels[part] = np.argmin(distances) + 1
    labels[kept] = np.arange(1, len(kept) + 1)
    return labels[parts]


def render_parts(
    mesh: MeshData,
    labels: np.ndarray,
    extrinsics: np.ndarray,
    intrinsics: np.ndarray,
    masks: np.ndarray,
    *,
    supersample: int = 4,
) -> np.ndarray:
    """Return the part that fills most of each pixel of a mask.

    Args:
        mesh: The geometry.
        labels: Labels (F,) of its faces, from 1 on.
        extrinsics: (V, 3, 4) object-to-camera.
        intrinsics: (V, 3, 3) in pixels.
        masks: (V, H, W) bool.
        supersample: Samples per pixel and axis that are counted.

    Returns:
        (V, H, W) uint8, 0 outside the masks and nowhere else.
    """
    views, height, width = masks.shape
    finer = np.diag([supersample, supersample, 1.0]) @ np.asarray(intrinsics)
    faces = rasterize_meshes(
        mesh.vertices,
        mesh.faces,
        torch.as_tensor(np.asarray(extrinsics)),
        torch.from_numpy(finer),
        height=height * supersample,
        width=width * supersample,
    ).face_index.numpy()
    seen = np.where(faces >= 0, labels[faces], 0).reshape(
        views, height, supersample, width, supersample
    )
    counts = np.stack(
        [(seen == label).sum(axis=(2, 4)) for label in range(1, labels.max() + 1)]
    )
    maps = np.where(counts.any(axis=0), counts.argmax(axis=0) + 1, 0).astype(np.uint8)
    return np.stack([_fill(view, mask) for view, mask in zip(maps, masks, strict=True)])


def _fill(labels: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return labels (H, W) of a mask: pixels without one take the nearest there is."""
    labels = np.where(mask, labels, 0).astype(np.uint8)
    lacking = mask & (labels == 0)
    if lacking.any() and labels.any():
        kind = cv2.DIST_LABEL_PIXEL
        nearest = cv2.distanceTransformWithLabels(
            (labels == 0).astype(np.uint8), cv2.DIST_L2, 3, labelType=kind
        )[1]
        values = np.zeros(nearest.max() + 1, np.uint8)
        values[nearest[labels > 0]] = labels[labels > 0]
        labels[lacking] = values[nearest[lacking]]
    labels[mask & (labels == 0)] = 1  # nothing is seen at all
    return labels


def _components(mesh: MeshData) -> np.ndarray:
    """Return the number of the connected component of each face (F,)."""
    _, merged = np.unique(mesh.vertices + 0.0, axis=0, return_inverse=True)
    faces = merged.reshape(-1)[mesh.faces]
    edges = np.concatenate([faces[:, :2], faces[:, 1:]])
    count = int(merged.max()) + 1
    graph = coo_array((np.ones(len(edges)), tuple(edges.T)), shape=(count, count))
    of_vertex = connected_components(graph, directed=False)[1]
    return np.unique(of_vertex[faces[:, 0]], return_inverse=True)[1].reshape(-1)


def _face_colors(mesh: MeshData) -> np.ndarray:
    """Return the RGB (F, 3) in the middle of each face, 0 to 255."""
    colors = corner_colors(mesh)[..., :3].astype(np.float64).mean(axis=1)
    for index, texture in enumerate(mesh.textures):
        painted = np.asarray(mesh.face_texture) == index
        if painted.any():
            middle = mesh.uv[painted].astype(np.float64).mean(axis=1)
            colors[painted] = look_up_texels(texture, middle)
    return colors
