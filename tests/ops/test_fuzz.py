# SPDX-License-Identifier: Apache-2.0
"""Any input whatever: an op returns tensors, or raises ValueError or TypeError."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from svr3d import ops

FUZZ = settings(derandomize=True, max_examples=150, deadline=None, database=None)
SIZES = st.sampled_from([0, 1, 2, 3, 5, 17, 65])
SIDES = st.sampled_from([1, 2, 7, 33])
RARELY_BAD = (*[None] * 12, torch.nan, torch.inf, -torch.inf, 1e30, 1e-30)
DTYPES = st.sampled_from([torch.float32, torch.float64, torch.float16])


def numbers(data, *shape, dtype=torch.float32) -> torch.Tensor:
    """Draws numbers in [-0.5, 0.5), at times with a bad one among them."""
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 99)))
    values = torch.rand(shape, generator=generator).to(dtype) - 0.5
    bad = data.draw(st.sampled_from(RARELY_BAD))
    if bad is not None and values.numel():
        place = data.draw(st.integers(0, values.numel() - 1))
        values.view(-1)[place] = torch.tensor(bad).to(values.dtype)
    if data.draw(st.booleans()) and values.numel():
        values = values.transpose(0, -1).contiguous().transpose(0, -1)
    return values


def triangles(data, count: int, *batch: int) -> torch.Tensor:
    """Draws faces of ``count`` vertices: degenerate ones, at times out of range."""
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 99)))
    high = max(count, 1) + data.draw(st.sampled_from([0] * 9 + [1]))
    low = data.draw(st.sampled_from([0] * 9 + [-1]))
    return torch.randint(low, high, (*batch, data.draw(SIZES), 3), generator=generator)


def lengths(data, batch: int, count: int) -> torch.Tensor | None:
    high = count + data.draw(st.sampled_from([0] * 9 + [1]))
    drawn = [data.draw(st.integers(0, high)) for _ in range(batch)]
    whole = torch.tensor(drawn, dtype=torch.int64)
    return data.draw(st.sampled_from([None, whole]))


def survives(function, *arguments, **options) -> None:
    try:
        found = function(*arguments, **options)
    except (ValueError, TypeError) as error:
        assert str(error)
        return
    parts = found if isinstance(found, tuple | list) else (found,)
    for part in parts:
        for tensor in part if isinstance(part, list) else (part,):
            assert tensor is None or isinstance(tensor, torch.Tensor)


@FUZZ
@given(st.data())
def test_clouds(data):
    batch, first, second = (
        data.draw(st.integers(0, 3)),
        data.draw(SIZES),
        data.draw(SIZES),
    )
    dtype, other = data.draw(DTYPES), data.draw(DTYPES)
    dtypes = data.draw(st.sampled_from([(dtype, dtype)] * 9 + [(dtype, other)]))
    x = numbers(data, batch, first, 3, dtype=dtypes[0])
    y = numbers(data, batch, second, 3, dtype=dtypes[1])
    own, others = lengths(data, batch, first), lengths(data, batch, second)
    k = data.draw(st.sampled_from([0, 1, 1, 1, 2, 4, 70]))
    survives(ops.nearest_neighbors, x, y, k, query_lengths=own, point_lengths=others)
    survives(ops.chamfer_distance, x, y, x_lengths=own, y_lengths=others)
    survives(ops.farthest_points, x, data.draw(SIZES), lengths=own)
    survives(ops.emd, x, x.flip(0), lengths=own)
    survives(ops.emd, x, y, method="exact")


@FUZZ
@given(st.data())
def test_one_mesh(data):
    count = data.draw(SIZES)
    vertices = numbers(data, count, 3, dtype=data.draw(DTYPES))
    faces = triangles(data, count)
    points = numbers(data, data.draw(SIZES), 3, dtype=data.draw(DTYPES))
    survives(ops.winding_number, vertices, faces, points)
    survives(ops.winding_number, vertices, faces, points, exact=True)
    survives(ops.points_inside, vertices, faces, points)
    survives(ops.point_mesh_distance, points.to(vertices.dtype), vertices, faces)
    for rule in ("parity", "hash"):
        survives(ops.points_in_mesh, vertices, faces, points, rule=rule)
    for mode in ("solid", "surface", "inside", "parity", "visibility"):
        survives(ops.voxelize_meshes, vertices, faces, data.draw(SIDES), mode=mode)


@FUZZ
@given(st.data())
def test_views_of_one_mesh(data):
    count, views = data.draw(SIZES), data.draw(st.integers(0, 2))
    vertices, faces = numbers(data, count, 3), triangles(data, count)
    extrinsics, intrinsics = numbers(data, views, 3, 4), numbers(data, views, 3, 3)
    height, width = data.draw(SIDES), data.draw(SIDES)
    survives(
        ops.rasterize_meshes,
        vertices,
        faces,
        extrinsics,
        intrinsics,
        height=height,
        width=width,
    )


@FUZZ
@given(st.data())
def test_batches_of_meshes(data):
    batch, count = data.draw(st.integers(0, 3)), data.draw(SIZES)
    vertices = numbers(data, batch, count, 3, dtype=data.draw(DTYPES))
    shared = data.draw(st.booleans())
    faces = triangles(data, count) if shared else triangles(data, count, batch)
    own = lengths(data, batch, faces.shape[-2])
    size = data.draw(SIDES)
    survives(ops.soft_silhouette, vertices, faces, image_size=size, lengths=own)
    survives(ops.neural_rasterize, vertices, faces, image_size=size, lengths=own)
    survives(ops.sample_surface, vertices, faces, data.draw(SIZES), lengths=own)


@FUZZ
@given(st.data())
def test_splatting(data):
    batch, count = data.draw(st.integers(0, 3)), data.draw(SIZES)
    points = numbers(data, batch, count, 3)
    features = data.draw(st.sampled_from([None, numbers(data, batch, count, 2)]))
    size = (data.draw(SIDES), data.draw(SIDES))
    own = lengths(data, batch, count)
    survives(ops.splat_points, points, features, image_size=size, lengths=own)
    survives(ops.splat_points, 30 * points, features, image_size=size, lengths=own)


@FUZZ
@given(st.data())
def test_extraction(data):
    shape = [data.draw(st.sampled_from([0, 1, 2, 5, 66])) for _ in range(3)]
    batch = data.draw(st.integers(0, 2))
    level = data.draw(st.sampled_from([0.0, 0.1, 0.2, -0.3, torch.nan]))
    survives(ops.marching_cubes, numbers(data, batch, *shape), level)
    resolution, depth = data.draw(st.integers(0, 5)), data.draw(st.integers(-1, 2))

    def field(_, points):
        return numbers(data, len(points)) if len(points) else torch.zeros(0)

    survives(ops.evaluate_grids, field, resolution, depth, level, batch=batch)
