# SPDX-License-Identifier: Apache-2.0
"""Pictures of point clouds and of the cameras that saw them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from svr3d.geometry.cameras import viewer_rotation
from svr3d.geometry.pose_camera import from_pose_axes, pose_rotation
from svr3d.structures import PointCloud

from .balls import draw_balls
from .shading import CLAY

_AMBIENT = 0.35
_FINER = 2  # pixels of the drawing per pixel of the picture and axis


def cloud_views(
    cloud: PointCloud,
    azimuths: list[float],
    *,
    size: int = 256,
    elevation: float = 25.0,
    color: tuple[float, float, float] = CLAY,
    radius: float | None = None,
) -> np.ndarray:
    """Draw one cloud from around it, in its own colours if it has any.

    Args:
        cloud: A batch of one sample.
        azimuths: Of the views, degrees.
        size: Side of a picture in pixels.
        elevation: Of the views, degrees.
        color: RGB in [0, 1] of clouds without colours.
        radius: A ball of this radius about the origin fills the picture; None fits the
            cloud.

    Returns:
        Pictures (V, size, size, 3) uint8 on white.
    """
    points = cloud.points[0].detach().float().cpu()
    own = None if cloud.colors is None else cloud.colors[0].detach().float().cpu()
    colors = np.asarray(color if own is None else own.numpy().clip(0, 1)) * 255
    if radius is None:
        radius = float(points.norm(dim=1).max()) if len(points) else 1.0
    side = _FINER * size
    ball = max(2, round(0.02 * side))
    scale = (side / 2 - ball) / max(radius, 1e-9)
    pictures = []
    for azimuth in azimuths:
        turn = viewer_rotation(torch.tensor(azimuth), torch.tensor(elevation)).float()
        right, up, towards = (points @ turn.T).unbind(1)
        pixels = torch.stack([-up, right, towards], dim=1).numpy() * scale
        pixels[:, :2] += side / 2
        drawn = draw_balls(
            pixels, np.maximum(colors, 3), size=side, radius=ball, ambient=_AMBIENT
        )
        drawn = np.where(drawn.any(-1, keepdims=True), drawn, 255).astype(np.float32)
        drawn = drawn.reshape(size, _FINER, size, _FINER, 3).mean((1, 3))
        pictures.append(drawn.round().astype(np.uint8))
    return np.stack(pictures)


def draw_cameras(
    predicted: Tensor,
    true: Tensor,
    path: str | Path,
    *,
    rotation: Tensor | None = None,
    title: str = "",
) -> Path:
    """Draw where predicted and true cameras stand, with a line between both.

    Args:
        predicted: Azimuths and elevations (M, 2) in radians.
        true: (M, 2).
        path: ``.png`` or ``.svg`` to write.
        rotation: (3, 3) from the frame of the predictions to ShapeNet's axes; None if
            they are told in the frame of the true poses.
        title: Above the plot.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # Points q of ShapeNet's axes are from_pose_axes(p) of those of the true poses.
    wanted = from_pose_axes(_centres(true))
    own = _centres(predicted)
    own = from_pose_axes(own) if rotation is None else own @ rotation.to(own).T
    figure = Figure(figsize=(9.0, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    above, unrolled = figure.subplots(1, 2)
    _plot(above, own[:, [0, 2]], wanted[:, [0, 2]], longest=2.0)
    above.set(xlabel="x", ylabel="z", aspect="equal", title="from above")
    above.legend(fontsize=8, loc="center")
    _plot(unrolled, _angles(own), _angles(wanted), longest=180.0)
    unrolled.set(
        xlabel="azimuth, degrees", ylabel="elevation, degrees", title="unrolled"
    )
    figure.suptitle(title)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
    return path


def _centres(poses: Tensor) -> Tensor:
    """Return the unit directions (M, 3) in which cameras stand, in their own frame."""
    return pose_rotation(poses.detach().float().cpu())[:, 2]


def _angles(centres: Tensor) -> Tensor:
    """Return azimuth and elevation (M, 2) in degrees of unit directions, y up."""
    x, y, z = centres.unbind(1)
    return torch.rad2deg(torch.stack([torch.atan2(-z, x), y.clamp(-1, 1).asin()], 1))


def _plot(axis, own: Tensor, wanted: Tensor, *, longest: float) -> None:
    """Plot places (M, 2) and the lines between them, but for those beyond a length."""
    for start, end in zip(own.tolist(), wanted.tolist(), strict=True):
        if abs(start[0] - end[0]) <= longest:  # else the short way leaves the plot
            axis.plot(*zip(start, end, strict=True), color="0.8", linewidth=0.7)
    axis.plot(*wanted.T.tolist(), "o", color="tab:gray", markersize=4, label="true")
    axis.plot(*own.T.tolist(), ".", color="tab:blue", markersize=5, label="predicted")
