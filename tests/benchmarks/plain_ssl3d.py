# SPDX-License-Identifier: Apache-2.0
"""A step of self-supervised point clouds as its program computes it: densely."""

import torch
from torch import Tensor, nn

from svr3d.geometry.pose_camera import project_to_pixels, turn_to_camera
from svr3d.models.losses import ShapeCycle, SilhouetteAffinity
from svr3d.ops._torch.splat_points import splat_features_torch
from svr3d.ops.splat_points import SplatImages


class DenseRenderer(nn.Module):
    """Every point at every pixel."""

    def __init__(self, image_size: int = 64, sigma_sq: float = 0.4):
        super().__init__()
        self.image_size, self.sigma_sq = image_size, sigma_sq

    def project(self, points, poses):
        return project_to_pixels(
            turn_to_camera(points, poses), image_size=self.image_size
        )

    def forward(self, points, poses, features=None, *, silhouette=True):
        size = self.image_size
        pixels = self.project(points, poses)
        mask = image = foreground = None
        if silhouette:
            axis = torch.arange(size).to(points)
            rows = (pixels[..., 0, None, None] - axis[:, None]).square()
            columns = (pixels[..., 1, None, None] - axis).square()
            each = torch.exp(-(rows + columns) / (2 * self.sigma_sq))
            mask = torch.tanh(each.sum(1))
        if features is not None:
            lengths = torch.full((len(points),), points.shape[1])
            image, stats = splat_features_torch(
                pixels, features, lengths, size, size, 1.0, 100.0
            )
            foreground = (stats[..., 1] > 0).to(image)
        return SplatImages(mask, image, foreground)


class DenseAffinity(SilhouetteAffinity):
    """The distance of every pixel to every other, as the program tiles masks."""

    def forward(self, outputs, batch):
        found, target = outputs["silhouettes"][:, 0], batch["masks"][:, 0]
        if self.direction == "uncovered":
            found, target = target, found
        cost = found * (target + self.penalty * (1 - target))
        axis = torch.arange(cost.shape[1]).to(cost)
        grid = torch.stack(torch.meshgrid(axis, axis, indexing="ij"), dim=-1)
        steps = 1 + (grid[:, :, None, None] - grid).square().sum(-1).sqrt()
        return (cost[..., None, None] * steps).amin((-1, -2)).mean()


class DenseCycle(ShapeCycle):
    """Chamfer distances by the matrices of all pairs, view after view."""

    def forward(self, outputs, batch):
        first = outputs["points"]
        found = outputs["cycle_points"].unbind(1)[:-1]
        return sum(_chamfer(first, points) for points in (first, *found))


def _chamfer(one: Tensor, other: Tensor) -> Tensor:
    squares = (one[:, :, None] - other[:, None]).square().sum(-1)
    return squares.amin(2).mean() + squares.amin(1).mean()
