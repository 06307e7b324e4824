# SPDX-License-Identifier: Apache-2.0
"""Shapes that are known at many labelled points only."""

import numpy as np
import torch
from torch import Tensor

from svr3d.structures import OccupancyField


def field_of_labels(points: Tensor, labels: Tensor) -> OccupancyField:
    """Return the field that has at each place the label of the nearest known point.

    With 100,000 uniform points in a cube of side 1.1 the nearest one is 0.013 away on
    average: finer than cells of 1/32, and without their bias towards thick shapes.

    Args:
        points: (P, 3).
        labels: (P,) in {0, 1}.

    Returns:
        A batch of one sample, of threshold 0.5, on the CPU.
    """
    from pykdtree.kdtree import KDTree

    tree = KDTree(np.ascontiguousarray(points, np.float32))
    known = torch.as_tensor(labels).float()

    def decode(codes: Tensor, places: Tensor) -> Tensor:
        query = np.ascontiguousarray(places.reshape(-1, 3), np.float32)
        _, nearest = tree.query(query)
        found = known[torch.from_numpy(nearest.astype(np.int64))]
        return found.reshape(places.shape[:2])

    return OccupancyField(torch.zeros(1, 1), decode, threshold=0.5)
