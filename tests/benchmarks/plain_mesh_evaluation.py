# SPDX-License-Identifier: Apache-2.0
"""A plain transcription of how occupancy networks' program evaluates a mesh.

One KD-tree per direction, built anew for each; samples drawn with NumPy; the F-scores
of convolutional occupancy networks by a loop over a thousand thresholds.
"""

import numpy as np
from pykdtree.kdtree import KDTree

THRESHOLDS = np.linspace(1.0 / 1000, 1, 1000)


def sample(vertices, faces, count, random):
    """Draw points uniformly by area, as the mesh library of the program does."""
    triangles = vertices[faces]
    cross = np.cross(
        triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
    )
    areas = np.linalg.norm(cross, axis=1)
    total = np.cumsum(areas)
    chosen = np.searchsorted(total, random.random(count) * total[-1])
    weights = random.random((count, 2, 1))
    outside = weights.sum(axis=1).reshape(-1) > 1
    weights[outside] = 1 - weights[outside]
    sides = triangles[chosen, 1:] - triangles[chosen, :1]
    points = (sides * weights).sum(axis=1) + triangles[chosen, 0]
    return points.astype(np.float32), cross[chosen] / areas[chosen, None]


def one_direction(source, source_normals, target, target_normals):
    """Distances from the points of one cloud to the other, and absolute cosines."""
    distances, index = KDTree(target).query(source)
    source_normals = source_normals / np.linalg.norm(
        source_normals, axis=-1, keepdims=True
    )
    target_normals = target_normals / np.linalg.norm(
        target_normals, axis=-1, keepdims=True
    )
    cosines = (target_normals[index] * source_normals).sum(axis=-1)
    return distances, np.abs(cosines)


def evaluate(points, normals, target, target_normals, *, with_f_scores=True):
    """All figures of one object."""
    completeness, completeness_cosines = one_direction(
        target, target_normals, points, normals
    )
    accuracy, accuracy_cosines = one_direction(points, normals, target, target_normals)
    figures = {
        "completeness": completeness.mean(),
        "accuracy": accuracy.mean(),
        "normals": 0.5 * completeness_cosines.mean() + 0.5 * accuracy_cosines.mean(),
        "chamfer_l1": 0.5 * (completeness.mean() + accuracy.mean()),
        "chamfer_l2": 0.5 * ((completeness**2).mean() + (accuracy**2).mean()),
    }
    if with_f_scores:
        recall = np.array([(completeness <= t).mean() for t in THRESHOLDS])
        precision = np.array([(accuracy <= t).mean() for t in THRESHOLDS])
        total = np.maximum(precision + recall, 1e-12)
        figures["f_score_0.01"] = (2 * precision * recall / total)[9]
    return figures
