# SPDX-License-Identifier: Apache-2.0
"""One rotation that takes the clouds of a network to where the true ones are.

A network that never saw a pose has a frame of its own. The rotation is fitted on
validation objects and applied to all others. Predictions are neither scaled nor moved
nor mirrored.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from svr3d.errors import DataError
from svr3d.geometry.pose_camera import from_pose_axes, pose_rotation
from svr3d.geometry.rotations import nearest_rotation
from svr3d.ops.chamfer_distance import chamfer_distance
from svr3d.ops.nearest_neighbors import nearest_both

PUBLISHED_START = (29.0, 0.0, 270.0)
"""Azimuth, elevation and tilt in degrees from which the published fit starts."""

_SCALE = 1e4  # of the loss of the published fit


@dataclass(frozen=True)
class Alignment:
    """A rotation and how it was found.

    Attributes:
        rotation: (3, 3); an aligned point is ``rotation @ p``.
        chamfer: Mean squared Chamfer distance, both directions summed, of the clouds
            that it was fitted to, with it; NaN if none were looked at.
        angles: Azimuth, elevation and tilt (3,) in degrees, of the published fit.
        steps: Of the published fit, for every iteration the angles and the distance of
            its cloud before the step: (iterations, 4).
    """

    rotation: Tensor
    chamfer: float
    angles: Tensor | None = None
    steps: Tensor | None = None

    def apply(self, points: Tensor) -> Tensor:
        """Return points (..., N, 3) in the frame of the true clouds."""
        return points @ self.rotation.to(points).T


def align_by_descent(
    predicted: Tensor,
    target: Tensor,
    *,
    start: Sequence[float] = PUBLISHED_START,
    iterations: int = 5000,
    learning_rate: float = 1e-3,
    seed: int | None = 0,
) -> Alignment:
    """Find the rotation by gradient descent from given angles, as published.

    The rotation is that of azimuth, elevation and tilt of
    :func:`svr3d.geometry.pose_camera.pose_rotation`; Adam follows 10,000 times the
    Chamfer distance of one cloud after the other. It ends in the local minimum next to
    its start. Source: klnavaneet/ssl_3d_recon ``align_pcl_transform.py``.

    Args:
        predicted: (M, N, 3).
        target: (M, K, 3).
        start: Azimuth, elevation and tilt in degrees.
        iterations: Steps, one cloud each.
        learning_rate: In radians.
        seed: Of the order in which the clouds are gone through, again and again; None
            keeps theirs.

    Raises:
        ValueError: If shapes do not fit.
    """
    _check_clouds(predicted, target)
    order = list(range(len(predicted)))
    if seed is not None:
        generator = torch.Generator().manual_seed(seed)
        order = torch.randperm(len(predicted), generator=generator).tolist()
    angles = torch.deg2rad(torch.tensor([start], dtype=torch.float32))
    angles = angles.to(predicted.device).requires_grad_()
    optimizer = torch.optim.Adam([angles], learning_rate)
    steps = []
    for iteration in range(iterations):
        index = order[iteration % len(order)]
        moved = predicted[index].float() @ pose_rotation(angles)[0].T
        distance = chamfer_distance(moved[None], target[index][None].float())
        optimizer.zero_grad()
        (_SCALE * distance).backward()
        steps.append([*angles.detach()[0].tolist(), float(distance.detach())])
        optimizer.step()
    angles = angles.detach()
    rotation = pose_rotation(angles)[0]
    found = torch.rad2deg(angles[0])
    trace = torch.tensor(steps).reshape(-1, 4)
    trace[:, :3] = torch.rad2deg(trace[:, :3])
    return Alignment(rotation, _distance(rotation, predicted, target), found, trace)


def align_by_search(
    predicted: Tensor,
    target: Tensor,
    *,
    azimuths: int = 3,
    points: int = 256,
    clouds: int = 32,
    kept: int = 6,
    refined: int = 64,
    iterations: int = 30,
) -> Alignment:
    """Find the rotation from many starts, each improved in closed form.

    Starts are the 24 rotations of a cube, each turned further about the first axis.
    All are compared on a few points of a few clouds; the best are improved on these by
    matching nearest points in both directions and solving for the rotation (Besl and
    McKay, 1992; Kabsch, 1976), and the best of them on all clouds.

    Args:
        predicted: (M, N, 3).
        target: (M, K, 3).
        azimuths: Turns of each cube rotation within a quarter.
        points: Of each cloud that the search looks at, evenly spread over its order.
        clouds: That the search looks at, likewise.
        kept: Starts that are improved.
        refined: Clouds, evenly spread, to which the best is fitted with all points.
        iterations: Of matching and solving, at most.

    Raises:
        ValueError: If shapes do not fit.
    """
    _check_clouds(predicted, target)
    some = _spread(len(predicted), clouds)
    small = [
        part[some][:, _spread(part.shape[1], points)].float()
        for part in (predicted, target)
    ]
    starts = _cube_rotations(azimuths).to(small[0])
    costs = torch.tensor([_distance(start, *small) for start in starts])
    best = costs.topk(min(kept, len(starts)), largest=False).indices
    improved = [_improve(starts[i], *small, iterations) for i in best.tolist()]
    costs = [_distance(rotation, *small) for rotation in improved]
    rotation = improved[costs.index(min(costs))]
    many = _spread(len(predicted), refined)
    whole = (part[many].float() for part in (predicted, target))
    rotation = _improve(rotation, *whole, iterations)
    return Alignment(rotation, _distance(rotation, predicted, target))


def align_by_poses(
    predicted: Tensor,
    true: Tensor,
    *,
    rounds: int = 20,
) -> Alignment:
    """Find the rotation from poses alone, in closed form, without any cloud.

    A predicted pose turns the network's frame to the camera's, the true pose the frame
    of the renderings, so that each image tells the rotation between the two; the one
    nearest to all is their mean's polar factor (Hartley et al., "Rotation averaging",
    2013). Repeated with weights that are the inverse of what is left (Weiszfeld), it is
    their median, which some poses that are wrong by half a turn do not move.

    Args:
        predicted: Azimuths and elevations (M, 2) in radians.
        true: (M, 2), those of the data set.
        rounds: Repetitions with weights; 0 takes the mean.

    Returns:
        The rotation to ShapeNet's axes (y up), ``chamfer`` NaN.

    Raises:
        ValueError: If shapes do not fit.
    """
    if predicted.shape != true.shape or predicted.ndim != 2 or predicted.shape[1] != 2:
        raise ValueError(
            f"expected poses (M, 2) of as many images, found {tuple(predicted.shape)} "
            f"and {tuple(true.shape)}"
        )
    own, wanted = pose_rotation(predicted.double()), pose_rotation(true.double())
    relative = wanted.transpose(1, 2) @ own
    rotation = nearest_rotation(relative.sum(0))
    for _ in range(rounds):
        left = (relative - rotation).flatten(1).norm(dim=1).clamp_min(1e-3)
        rotation = nearest_rotation((relative / left[:, None, None]).sum(0))
    to_shapenet = from_pose_axes(torch.eye(3, dtype=torch.float64)).T.to(rotation)
    return Alignment((to_shapenet @ rotation).float(), math.nan)


def write_rotations(
    path: str | PathLike,
    rotations: Mapping[str, Tensor],
    *,
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Write the rotations of categories as JSON.

    Args:
        path: The file; folders are made.
        rotations: (3, 3) by name of the category.
        facts: How they were found.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "facts": dict(facts or {}),
        "rotations": {name: matrix.tolist() for name, matrix in rotations.items()},
    }
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def read_rotations(path: str | PathLike) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what :func:`write_rotations` wrote: rotations and facts.

    Raises:
        DataError: If the file is missing or something else.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        rotations = {
            name: torch.tensor(rows, dtype=torch.float32)
            for name, rows in content["rotations"].items()
        }
        facts = dict(content.get("facts", {}))
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(
            f"{path}: expected rotations by category, found {type(error).__name__}: "
            f"{error}"
        ) from error
    for name, matrix in rotations.items():
        square = matrix.shape == (3, 3)
        if not square or (matrix @ matrix.T - torch.eye(3)).abs().max() > 1e-3:
            raise DataError(f"{path}: {name}: expected a rotation, found {matrix}")
    return rotations, facts


def _improve(
    rotation: Tensor, predicted: Tensor, target: Tensor, iterations: int
) -> Tensor:
    """Match nearest points and solve, until nothing changes."""
    for _ in range(iterations):
        lengths = [
            torch.full((len(part),), part.shape[1], device=part.device)
            for part in (predicted, target)
        ]
        moved = (predicted @ rotation.T).contiguous()
        _, target_of, _, predicted_of = nearest_both(moved, target, *lengths)
        pairs = [
            (predicted, _take(target, target_of)),
            (_take(predicted, predicted_of), target),
        ]
        # Means over each direction's points, as the distance has.
        products = sum(
            torch.einsum("mni,mnj->ij", goal.double(), own.double()) / own.shape[1]
            for own, goal in pairs
        )
        turned = nearest_rotation(products).to(rotation)
        change = (turned - rotation).abs().max()
        rotation = turned
        if change < 1e-6:
            break
    return rotation


def _take(clouds: Tensor, index: Tensor) -> Tensor:
    return clouds.gather(1, index.long()[..., None].expand(-1, -1, 3))


def _distance(rotation: Tensor, predicted: Tensor, target: Tensor) -> float:
    """Return the mean Chamfer distance with a rotation."""
    moved = predicted.float() @ rotation.to(predicted.device, torch.float32).T
    return float(chamfer_distance(moved, target.float(), batch="none").double().mean())


def _spread(count: int, wanted: int) -> Tensor:
    """Return positions, evenly spread."""
    wanted = min(count, wanted)
    return torch.arange(wanted) * count // max(wanted, 1)


def _cube_rotations(turns: int) -> Tensor:
    """Return the 24 rotations of a cube, each with turns about x: (24 turns, 3, 3)."""
    quarter = math.pi / 2
    found = []
    for elevation, tilt in [(k, 0) for k in range(4)] + [(0, 1), (0, 3)]:
        for step in range(4 * turns):
            angles = [step * quarter / turns, elevation * quarter, tilt * quarter]
            found.append(angles)
    return pose_rotation(torch.tensor(found))


def _check_clouds(predicted: Tensor, target: Tensor) -> None:
    fits = predicted.ndim == target.ndim == 3 and predicted.shape[2] == 3
    if not fits or target.shape[2] != 3 or len(predicted) != len(target):
        raise ValueError(
            "expected clouds (M, N, 3) of as many objects, found "
            f"{tuple(predicted.shape)} and {tuple(target.shape)}"
        )
    if len(predicted) == 0:
        raise ValueError("expected clouds of at least one object, found none")
