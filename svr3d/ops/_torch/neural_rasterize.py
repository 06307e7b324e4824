# SPDX-License-Identifier: Apache-2.0
"""The neural mesh renderer in plain torch: slow loops over faces, edges and lines."""

import math

import torch
from torch import Tensor

Maps = tuple[Tensor, Tensor, Tensor]


def drawn_faces(faces: Tensor, lengths: Tensor, fill_back: bool, image: int) -> Tensor:
    """Corner indices (drawn, 3) of one image; faces past the length are all -1."""
    own = faces[image if len(faces) > 1 else 0].clone()
    own[int(lengths[image]) :] = -1
    return torch.cat((own, own.flip(1))) if fill_back else own


def _looks_at_camera(corners: Tensor) -> Tensor:
    x, y = corners[..., 0], corners[..., 1]
    left = (y[..., 2] - y[..., 0]) * (x[..., 1] - x[..., 0])
    return left > (y[..., 1] - y[..., 0]) * (x[..., 2] - x[..., 0])


def _inverse(pixels: Tensor) -> Tensor:
    """Rows that map (column, row, 1) to the weights of corners (3, 2) in pixels."""
    x, y = pixels[:, 0], pixels[:, 1]
    j, k = [1, 2, 0], [2, 0, 1]
    rows = torch.stack((y[j] - y[k], x[k] - x[j], x[j] * y[k] - x[k] * y[j]), 1)
    return rows / (x[2] * (y[0] - y[1]) + x[0] * (y[1] - y[2]) + x[1] * (y[2] - y[0]))


def _weights_and_depth(corners: Tensor, row: Tensor, column: Tensor, size: int):
    """Of one face at pixels (n,): weights (n, 3), depth (n,) and the inverse."""
    inverse = _inverse((corners[:, :2] * size + size - 1) / 2)
    at = torch.stack((column, row, torch.ones_like(row)), -1).to(corners)
    weights = (at @ inverse.T).clamp(0, 1)
    weights = weights / weights.sum(-1, keepdim=True)
    return weights, 1 / (weights / corners[:, 2]).sum(-1), inverse


def _covers(corners: Tensor, size: int) -> Tensor:
    centres = ((2 * torch.arange(size).double() + 1 - size) / size).to(corners)
    x, y = centres[None, :], centres[:, None]
    hit = torch.ones(size, size, dtype=torch.bool, device=corners.device)
    for i in range(3):
        (xi, yi, _), (xj, yj, _) = corners[i], corners[(i + 1) % 3]
        hit &= ~((y - yi) * (xj - xi) < (x - xi) * (yj - yi))
    return hit


def _cells(weights: Tensor, depth: Tensor, corners: Tensor, side: int, eps: float):
    """The eight texture cells (n, 8) of each sample, and their weights (n, 8)."""
    u = weights * (side - 1) * (depth[:, None] / corners[:, 2])
    u = u.clamp(max=side - 1 - torch.tensor(eps, dtype=torch.float32).item())
    u = u.clamp(min=0)
    low = u.long()
    high, part = (low + 1).clamp(max=side - 1), u - low
    strides = torch.tensor([side * side, side, 1], device=u.device)
    cell, mix = [], []
    for n in range(8):
        bits = torch.tensor([n & 1, n >> 1 & 1, n >> 2 & 1], device=u.device)
        cell.append((torch.where(bits > 0, high, low) * strides).sum(-1))
        mix.append(torch.where(bits > 0, part, 1 - part).prod(-1))
    return torch.stack(cell, 1), torch.stack(mix, 1)


def _cubes(textures: Tensor, image: int, fill_back: bool) -> Tensor:
    """Texture cubes (drawn, side^3, 3); copies of faces have their axes reversed."""
    own = textures[image]
    if fill_back:
        own = torch.cat((own, own.permute(0, 3, 2, 1, 4)))
    return own.reshape(len(own), -1, 3)


def neural_rasterize_torch(
    vertices: Tensor,
    faces: Tensor,
    lengths: Tensor,
    textures: Tensor,
    background: Tensor,
    size: int,
    near: float,
    far: float,
    eps: float,
    fill_back: bool,
) -> Maps:
    """Same contract as ``torch.ops.svr3d.neural_rasterize``, without gradient."""
    batch, textured = len(vertices), textures.ndim == 6
    images = vertices.new_zeros(batch, 4 if textured else 1, size, size)
    depth = vertices.new_full((batch, size, size), far)
    index = torch.full_like(depth, -1, dtype=torch.int32)
    for b in range(batch):
        chosen = drawn_faces(faces, lengths, fill_back, b)
        for k, face in enumerate(chosen):
            corners = vertices[b, face]
            if face[0] < 0 or not _looks_at_camera(corners):
                continue
            row, column = _covers(corners, size).nonzero(as_tuple=True)
            z = _weights_and_depth(corners, row, column, size)[1]
            nearer = (z > near) & (z < depth[b, row, column])
            row, column = row[nearer], column[nearer]
            depth[b, row, column] = z[nearer]
            index[b, row, column] = k
        images[b, 0] = index[b] >= 0
        if not textured:
            continue
        images[b, 1:] = background[:, None, None]
        cubes = _cubes(textures, b, fill_back)
        for k in index[b][index[b] >= 0].unique().tolist():
            row, column = (index[b] == k).nonzero(as_tuple=True)
            corners = vertices[b, chosen[k]]
            weights, z, _ = _weights_and_depth(corners, row, column, size)
            cell, mix = _cells(weights, z, corners, textures.shape[2], eps)
            images[b, 1:, row, column] = (mix[..., None] * cubes[k][cell]).sum(1).T
    return images, depth, index


def neural_rasterize_backward_torch(
    grad_images: Tensor,
    grad_depth: Tensor,
    images: Tensor,
    depth: Tensor,
    index: Tensor,
    vertices: Tensor,
    faces: Tensor,
    lengths: Tensor,
    textures: Tensor,
    background: Tensor,
    near: float,
    far: float,
    eps: float,
    fill_back: bool,
) -> tuple[Tensor, Tensor]:
    """Same contract as ``torch.ops.svr3d.neural_rasterize_backward``."""
    size = images.shape[-1]
    vertex_grad = torch.zeros_like(vertices)
    texture_grad = torch.zeros_like(textures)
    for b in range(len(vertices)):
        chosen = drawn_faces(faces, lengths, fill_back, b)
        for k in index[b][index[b] >= 0].unique().tolist():
            corners = vertices[b, chosen[k]]
            out = torch.zeros_like(corners)
            if grad_images.ndim == 4:
                for edge in range(3):
                    for rows in (False, True):
                        maps = (index[b], images[b], grad_images[b])
                        if not rows:
                            maps = tuple(m.transpose(-1, -2) for m in maps)
                        _sweep(corners, k, edge, rows, *maps, size, eps, out)
            row, column = (index[b] == k).nonzero(as_tuple=True)
            weights, z, inverse = _weights_and_depth(corners, row, column, size)
            if grad_depth.ndim == 3:
                pull = grad_depth[b, row, column, None] * weights * z[:, None].square()
                slope = -(inverse[:, :2] / corners[:, 2:]).sum(0)
                out[:, :2] -= pull.sum(0)[:, None] * slope * size / 2
                out[:, 2] += (pull / corners[:, 2].square()).sum(0)
            vertex_grad[b].index_add_(0, chosen[k], out)
            if textures.ndim == 6 and grad_images.ndim == 4:
                cell, mix = _cells(weights, z, corners, textures.shape[2], eps)
                pull = grad_images[b, 1:, row, column].T[:, None] * mix[..., None]
                cube = torch.zeros_like(textures[b, 0]).reshape(-1, 3)
                cube.index_add_(0, cell.reshape(-1), pull.reshape(-1, 3))
                cube = cube.reshape(textures.shape[2:])
                copy = k >= faces.shape[1]
                cube = cube.permute(2, 1, 0, 3) if copy else cube
                texture_grad[b, k % faces.shape[1]] += cube
    return vertex_grad, texture_grad.reshape(-1)


def _sweep(
    corners: Tensor,
    face: int,
    edge: int,
    rows: bool,
    index: Tensor,
    images: Tensor,
    grads: Tensor,
    size: int,
    eps: float,
    out: Tensor,
) -> None:
    """One edge over the lines of one axis; maps are (..., line, place on the line)."""
    eps = torch.tensor(eps, dtype=torch.float32).item()
    across, along = (1, 0) if rows else (0, 1)
    pixels = (corners[:, :2] * size + size - 1) / 2
    ids = [edge, (edge + 1) % 3, (edge + 2) % 3]
    (a0, a1), (b0, b1), (c0, c1) = (pixels[i][[across, along]] for i in ids)
    low, high = min(a0, b0).item(), max(a0, b0).item()
    if not low < high:
        return
    step = 1 if (a0 < b0).item() == rows else -1
    for line in range(max(math.ceil(low), 0), int(min(high, size - 1)) + 1):
        if high < 0:
            break
        cross = (b1 - a1) / (b0 - a0) * (line - a0) + a1
        inner = (math.floor if step > 0 else math.ceil)(cross.item())
        outer = inner + step
        if not (0 <= inner < size and 0 <= outer < size):
            continue
        place = torch.arange(size, device=index.device)
        gain = images[:, line, :] * 0
        if index[line, inner] == face:
            beyond = place >= outer if step > 0 else place <= outer
            rise = (images[:, line] - images[:, line, inner, None]) * grads[:, line]
            gain = rise.sum(0).clamp(min=0) * beyond
            _pull(corners, out, ids, along, gain, place, cross, line, a0, b0, size, eps)
        if (line - a0) * (line - c0) < 0:
            other = (c1 - a1) / (c0 - a0) * (line - a0) + a1
        else:
            other = (b1 - c1) / (b0 - c0) * (line - c0) + c1
        if not other.isfinite():
            continue
        limit = (math.ceil if step > 0 else math.floor)(other.item())
        within = (place >= min(inner, limit)) & (place <= max(inner, limit))
        rise = (images[:, line] - images[:, line, outer, None]) * grads[:, line]
        gain = rise.sum(0).clamp(min=0) * (within & (index[line] == face))
        _pull(corners, out, ids, along, gain, place, cross, line, a0, b0, size, eps)


def _pull(
    corners: Tensor,
    out: Tensor,
    ids: list[int],
    along: int,
    gain: Tensor,
    place: Tensor,
    cross: Tensor,
    line: int,
    a0: Tensor,
    b0: Tensor,
    size: int,
    eps: float,
) -> None:
    """Moves the two corners of an edge by what the pixels of a line would gain."""
    for corner, gap in ((ids[0], b0 - line), (ids[1], line - a0)):
        if gap == 0:
            continue
        move = (b0 - a0) / gap * 2 / size * (place - cross)
        move = torch.where(move > 0, move + eps, move - eps)
        out[corner, along] -= (gain / move).sum()
