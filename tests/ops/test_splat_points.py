# SPDX-License-Identifier: Apache-2.0
import math

import pytest
import torch

from svr3d.ops import splat_points
from svr3d.ops._torch.splat_points import (
    splat_features_torch,
    splat_silhouettes_torch,
)


def scene(batch=2, count=40, size=(14, 11), seed=0, dtype=torch.float64):
    """Clouds that spill over the image, some points on pixels and some too far."""
    generator = torch.Generator().manual_seed(seed)
    points = torch.rand(batch, count, 3, generator=generator, dtype=dtype)
    points = points * torch.tensor([*size, 2.0]).to(dtype) * 1.2 - torch.tensor(
        [1.0, 1.0, 0.0]
    ).to(dtype)
    points[:, :3, :2] = points[:, :3, :2].round()
    points[:, 3, 2] = 9.5
    features = torch.rand(batch, count, 4, generator=generator, dtype=dtype)
    return points, features


def test_one_point_in_closed_form(kernels):
    point = torch.tensor([[[2.0, 3.5, 1.0]]]).double()
    colour = torch.tensor([[[0.2, 0.4, 0.8]]]).double()
    images = splat_points(point, colour, image_size=(5, 8), sigma_sq=0.5)
    for i in range(5):
        for j in range(8):
            expected = math.tanh(math.exp(-((i - 2) ** 2) - (j - 3.5) ** 2))
            assert images.silhouette[0, i, j] == pytest.approx(expected, abs=1e-15)
    well = torch.zeros(5, 8)
    well[1:4, 3:5] = 1  # an exact row reaches three pixels, a half column two
    assert torch.equal(images.foreground[0], well.double())
    torch.testing.assert_close(images.image[0, 2, 3], colour[0, 0])
    assert (images.image[0][well == 0] == 0).all()


def test_the_nearer_point_wins_by_the_softmax_of_depths(kernels):
    points = torch.tensor([[[1.0, 1, 1.0], [1, 1, 1.1], [1, 1, 9.0]]]).double()
    labels = torch.eye(3)[None].double()
    images = splat_points(
        points, labels, image_size=3, silhouette=False, background_channel=True
    )
    assert images.silhouette is None
    odds = math.exp(100 / (2.1 + 1e-5) - 100 / (2 + 1e-5))
    expected = torch.tensor([0, 1 / (1 + odds), odds / (1 + odds), 0]).double()
    torch.testing.assert_close(images.image[0, 1, 1], expected, atol=1e-7, rtol=0)
    away = splat_points(
        points[:, 2:], labels[:, 2:], image_size=3, background_channel=True
    )
    assert (away.image[..., 0] == 1).all() and (away.image[..., 1:] == 0).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_kernel_equals_twin(compiled, dtype):
    """The twin serves in double: its own float32 gradients stray by beta times eps."""
    points, features = scene(dtype=dtype)
    lengths = torch.tensor([40, 17])
    generator = torch.Generator().manual_seed(0)
    weight = torch.rand(2, 14, 11, 4, generator=generator, dtype=torch.float64)
    tolerance = 5e-5 if dtype == torch.float32 else 1e-11
    results = []
    for run, kind in (
        (torch.ops.svr3d.splat_silhouettes, dtype),
        (splat_silhouettes_torch, torch.float64),
    ):
        leaf = points.to(kind, copy=True).requires_grad_()
        mask = run(leaf, lengths, 14, 11, 1.25, 5.8)
        (mask * weight[..., 0].to(kind)).sum().backward()
        results.append((mask.detach(), leaf.grad))
    for run, kind in (
        (torch.ops.svr3d.splat_features, dtype),
        (splat_features_torch, torch.float64),
    ):
        leaf = points.to(kind, copy=True).requires_grad_()
        own = features.to(kind, copy=True).requires_grad_()
        image, stats = run(leaf, own, lengths, 14, 11, 1.0, 100.0)
        (image * weight.to(kind)).sum().backward()
        results.append((image.detach(), stats, own.grad, leaf.grad))
    assert results[3][1][..., 1].gt(0).sum() > 60
    for found, expected in (results[:2], results[2:]):
        for one, other in zip(found, expected, strict=True):
            scale = other.abs().max()
            torch.testing.assert_close(
                one.double() / scale, other / scale, atol=tolerance, rtol=0
            )


def test_gradcheck(kernels):
    points, features = scene(1, 9, size=(5, 4), seed=3)
    points[..., :2] += 0.013  # off the steps of the wells
    points[..., 2] = torch.linspace(0.5, 3, 9)
    mask = lambda p: splat_points(p, image_size=(5, 4)).silhouette  # noqa: E731
    assert torch.autograd.gradcheck(mask, points.requires_grad_())

    def image(z, f):
        moved = torch.cat((points[..., :2].detach(), z), dim=-1)
        return splat_points(moved, f, image_size=(5, 4), silhouette=False).image

    z = points[..., 2:].detach().requires_grad_()
    assert torch.autograd.gradcheck(image, (z, features.requires_grad_()))


def test_empty_half_and_non_contiguous_input(kernels):
    points, features = scene(dtype=torch.float32)
    empty = splat_points(points[:, :0], features[:, :0], image_size=4)
    assert (empty.silhouette == 0).all() and (empty.foreground == 0).all()
    assert splat_points(points[:0], features[:0], image_size=4).image.shape[0] == 0
    view = points.transpose(1, 2).contiguous().transpose(1, 2)
    one, other = (splat_points(p, features, image_size=9) for p in (view, points))
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    half = points.half().requires_grad_()
    found = splat_points(half, features.half(), image_size=9)
    wide = splat_points(half.detach().float(), features.half().float(), image_size=9)
    assert found.image.dtype == torch.float16
    assert torch.equal(found.silhouette, wide.silhouette.half())
    (found.silhouette.float().sum() + found.image.float().square().sum()).backward()
    assert half.grad.dtype == torch.float16 and half.grad.abs().sum() > 0


def test_points_far_away_are_harmless(kernels):
    points = torch.tensor([[[1e30, -1e30, 1.0], [2.0, 2.0, 1e30]]])
    images = splat_points(points, torch.ones(1, 2, 1), image_size=4)
    assert images.foreground.sum() == 0
    assert images.silhouette[0, 2, 2] == pytest.approx(math.tanh(1))


def test_threads_and_batch_do_not_change_a_bit(compiled, threads):
    points, features = scene(3, 200, dtype=torch.float32)
    results = []
    for count, part in ((1, slice(0, 3)), (3, slice(0, 3)), (2, slice(0, 1))):
        threads(count)
        leaf = points[part].clone().requires_grad_()
        images = splat_points(leaf, features[part], image_size=(14, 11))
        (images.silhouette.sum() + images.image.square().sum()).backward()
        results.append((images.silhouette.detach(), images.image.detach(), leaf.grad))
    for other in results[1:]:
        for one, more in zip(other, results[0], strict=True):
            assert torch.equal(one, more[: len(one)])


def test_schema_and_compilation(compiled):
    points, features = scene()
    points.requires_grad_()
    lengths = torch.tensor([40, 11])
    ops = torch.ops.svr3d
    torch.library.opcheck(ops.splat_silhouettes, (points, lengths, 14, 11, 1.25, 5.8))
    given = (points, features, lengths, 14, 11, 1.0, 100.0)
    torch.library.opcheck(ops.splat_features, given)
    cloud = points.detach()
    mask = ops.splat_silhouettes(cloud, lengths, 14, 11, 1.25, 5.8)
    torch.library.opcheck(
        ops.splat_silhouettes_backward, (mask, mask, cloud, lengths, 1.25, 5.8)
    )
    image, stats = ops.splat_features(cloud, *given[1:])
    torch.library.opcheck(
        ops.splat_features_backward,
        (image, image, stats, cloud, features, lengths, 1.0, 100.0),
    )

    def run(p):
        images = splat_points(p, features, image_size=9)
        return images.silhouette.sum() + images.image.square().sum()

    fast = torch.compile(run, fullgraph=True, backend="aot_eager")
    slopes = [torch.autograd.grad(f(points), points)[0] for f in (run, fast)]
    assert torch.equal(*slopes) and slopes[0].abs().sum() > 0


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"points": torch.rand(1, 2)}, ValueError, r"points: .*\(B, N, 3\)"),
        ({"points": torch.full((1, 2, 3), math.inf)}, ValueError, "points: .*NaN"),
        ({"points": -torch.ones(1, 2, 3)}, ValueError, "points: .*at least 0"),
        ({"features": torch.rand(1, 3, 3)}, ValueError, r"features: .*\(1, 2, F\)"),
        ({"features": torch.ones(1, 2, 3).int()}, TypeError, "features: .*floating"),
        ({"image_size": 0}, ValueError, "image_size: .*found 0"),
        ({"sigma_sq": -1.0}, ValueError, "sigma_sq: .*found -1.0"),
        ({"lengths": torch.tensor([3])}, ValueError, "lengths: .*0 to 2, found 3"),
    ],
)
def test_errors_name_argument_expected_and_found(change, error, message):
    given = {"points": torch.rand(1, 2, 3), "features": torch.rand(1, 2, 3)}
    given |= {"image_size": 4} | change
    with pytest.raises(error, match=message):
        splat_points(given.pop("points"), given.pop("features"), **given)
