# SPDX-License-Identifier: Apache-2.0
"""Gradient descent that moves a mesh onto the level surface of a field."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

_EPSILON = 1e-10


@torch.enable_grad()
def refine_surface(
    logits: Callable[[Tensor], Tensor],
    vertices: Tensor,
    faces: Tensor,
    *,
    threshold: float,
    steps: int,
    learning_rate: float = 1e-4,
    normal_weight: float = 0.01,
    chunk_size: int = 100_000,
    seed: int = 0,
    weights: Sequence[Tensor] | None = None,
) -> Tensor:
    """Pull the faces to a level and turn them across the field's gradient.

    Each step draws one point in every face, with weights of a Dirichlet(1/2, 1/2, 1/2),
    and follows (RMSprop) the gradient of::

        mean (p(x) - threshold)^2 + normal_weight mean |n_face + grad p / |grad p||^2

    Source: ``refine_mesh`` of autonomousvision/occupancy_networks.

    Args:
        logits: Of points (1, P, 3): (1, P), differentiable twice.
        vertices: (V, 3) float32.
        faces: (F, 3).
        threshold: Probability on the surface.
        steps: Of gradient descent.
        learning_rate: Of RMSprop, in units of the object frame.
        normal_weight: Of the second term.
        chunk_size: Faces whose points are evaluated at once.
        seed: Of the weights that are drawn.
        weights: (F, 3) of each step, in place of drawn ones.

    Returns:
        New vertices (V, 3), without gradients; the field's weights get none either.
    """
    vertices = vertices.detach().clone().requires_grad_()
    optimizer = torch.optim.RMSprop([vertices], lr=learning_rate)
    generator = torch.Generator().manual_seed(seed)
    for step in range(steps):
        if weights is None:
            # The squares of a uniform direction have this Dirichlet distribution.
            squares = torch.randn(len(faces), 3, generator=generator).square()
            shares = squares / squares.sum(1, keepdim=True)
        else:
            shares = weights[step]
        shares = shares.to(vertices)
        total = torch.zeros_like(vertices)
        for own, share in zip(
            faces.split(chunk_size), shares.split(chunk_size), strict=True
        ):
            loss = _loss(logits, vertices[own], share, threshold, normal_weight)
            (gradient,) = torch.autograd.grad(loss / len(faces), vertices)
            total += gradient
        vertices.grad = total
        optimizer.step()
    return vertices.detach()


def _loss(
    logits: Callable[[Tensor], Tensor],
    corners: Tensor,
    shares: Tensor,
    threshold: float,
    normal_weight: float,
) -> Tensor:
    """Sum of both terms over faces with corners (F, 3, 3)."""
    first, second, third = corners.unbind(1)
    face_normals = torch.linalg.cross(second - first, third - second)
    face_normals = _unit(face_normals)
    points = (corners * shares[:, :, None]).sum(1)
    probabilities = torch.sigmoid(logits(points[None])[0])
    (slope,) = torch.autograd.grad(probabilities.sum(), points, create_graph=True)
    apart = (face_normals - _unit(-slope)).square().sum()
    return (probabilities - threshold).square().sum() + normal_weight * apart


def _unit(vectors: Tensor) -> Tensor:
    return vectors / (vectors.norm(dim=1, keepdim=True) + _EPSILON)
