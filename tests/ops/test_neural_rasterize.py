# SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from svr3d.ops import neural_rasterize
from svr3d.ops._torch.neural_rasterize import (
    neural_rasterize_backward_torch,
    neural_rasterize_torch,
)

FACE = torch.tensor([[0, 1, 2]])
SQUARE = torch.tensor([[-0.5, -0.5, 2], [0.5, -0.5, 2], [0.5, 0.5, 2], [-0.5, 0.5, 2]])
HALVES = torch.tensor([[0, 1, 2], [0, 2, 3]])


def scene(batch=2, faces=6, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    points = torch.rand(batch, 9, 3, generator=generator, dtype=dtype) * 2.2 - 1.1
    points[..., 2] += 2.5
    index = torch.randint(0, 9, (batch, faces, 3), generator=generator)
    cubes = torch.rand(batch, faces, 3, 3, 3, 3, generator=generator, dtype=dtype)
    return points, index, cubes


def arguments(points, faces, cubes, size=14, fill_back=True):
    lengths = torch.tensor([faces.shape[1], faces.shape[1] - 2])[: len(points)]
    background = torch.tensor([0.1, 0.2, 0.3]).to(points)
    return (points, faces, lengths, cubes, background, size, 0.1, 9.0, 1e-3, fill_back)


def test_a_square_in_closed_form(kernels):
    cubes = torch.full((1, 2, 2, 2, 2, 3), 0.5)
    images = neural_rasterize(
        SQUARE[None], HALVES, cubes, image_size=8, background=(0.25, 0, 1), far=10
    )
    expected = torch.zeros(8, 8)
    expected[2:6, 2:6] = 1
    assert torch.equal(images.alpha[0], expected)
    torch.testing.assert_close(images.depth[0], torch.where(expected > 0, 2.0, 10.0))
    torch.testing.assert_close(images.rgb[0, 0], torch.where(expected > 0, 0.5, 0.25))
    torch.testing.assert_close(images.rgb[0, 2], torch.where(expected > 0, 0.5, 1.0))
    assert images.face_index.shape == (1, 16, 16)


def test_depth_is_right_in_perspective(kernels):
    """Of a plane, 1 / depth is affine in the image."""
    vertices = torch.tensor([[[-2.0, -2, 1], [3, -2, 2], [-2, 3, 4]]]).double()
    images = neural_rasterize(vertices, FACE, image_size=6, anti_aliasing=False)
    x = (2 * torch.arange(6).double() - 5) / 6
    a, b = (x[None, :] + 2) / 5, (-x[:, None] + 2) / 5
    closeness = (1 - a - b) + a / 2 + b / 4
    covered = a + b <= 1
    assert covered.sum() > 15
    torch.testing.assert_close(images.depth[0][covered], 1 / closeness[covered])


def test_back_faces_vanish_without_fill_back(kernels):
    size = {"image_size": 4, "anti_aliasing": False}
    turned = HALVES.flip(1)
    assert (
        neural_rasterize(SQUARE[None], turned, fill_back=False, **size).alpha.sum() == 0
    )
    images = neural_rasterize(SQUARE[None], turned, **size)
    assert images.alpha.sum() == 4
    assert set(images.face_index.unique().tolist()) <= {-1, 2, 3}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("textured", [True, False])
@pytest.mark.parametrize("fill_back", [True, False])
def test_kernel_equals_twin(compiled, dtype, textured, fill_back):
    points, faces, cubes = scene(faces=12, dtype=dtype)
    given = arguments(
        points, faces, cubes if textured else cubes.new_empty(0), fill_back=fill_back
    )
    found = torch.ops.svr3d.neural_rasterize(*given)
    expected = neural_rasterize_torch(*given)
    assert torch.equal(found[2], expected[2])
    assert found[2].unique().numel() >= 3
    tolerance = 1e-5 if dtype == torch.float32 else 1e-12
    for one, other in zip(found[:2], expected[:2], strict=True):
        torch.testing.assert_close(one, other, atol=tolerance, rtol=tolerance)
    generator = torch.Generator().manual_seed(1)
    pulls = [
        torch.randn(m.shape, generator=generator, dtype=dtype) for m in expected[:2]
    ]
    rest = (*expected, *given[:5], *given[6:])
    slopes = torch.ops.svr3d.neural_rasterize_backward(*pulls, *rest)
    wanted = neural_rasterize_backward_torch(*pulls, *rest)
    for one, other in zip(slopes, wanted, strict=True):
        scale = other.abs().max() if other.numel() else 1
        assert scale > 0
        torch.testing.assert_close(
            one / scale, other / scale, atol=50 * tolerance, rtol=0
        )


def test_gradcheck_of_depth_and_textures(kernels):
    """These two gradients are true slopes, away from edges."""
    vertices = torch.tensor([[[-3.0, -3, 1.5], [6, -3, 2], [-3, 6, 3]]]).double()
    cubes = torch.rand(1, 1, 2, 2, 2, 3).double()
    settings = {"image_size": 3, "fill_back": False}

    def depth(v):
        return neural_rasterize(v, FACE, **settings).depth

    def colours(t):
        return neural_rasterize(vertices, FACE, t, **settings).rgb

    assert torch.autograd.gradcheck(depth, vertices.requires_grad_(), atol=1e-5)
    vertices = vertices.detach()
    assert torch.autograd.gradcheck(colours, cubes.requires_grad_())


def test_descent_fits_a_silhouette(kernels):
    """The hand-made gradient moves a square onto another."""
    target = neural_rasterize(
        (SQUARE * torch.tensor([1.4, 0.7, 1]) + torch.tensor([0.1, 0, 0]))[None],
        HALVES,
        image_size=16,
    ).alpha
    vertices = SQUARE[None].clone().requires_grad_()
    optimiser = torch.optim.Adam([vertices], lr=0.02)
    first = None
    for _ in range(40):
        alpha = neural_rasterize(vertices, HALVES, image_size=16, eps=1e-4).alpha
        overlap = (alpha * target).sum() / (alpha + target - alpha * target).sum()
        first = overlap.item() if first is None else first
        optimiser.zero_grad()
        (1 - overlap).backward()
        optimiser.step()
    assert first < 0.6 and overlap > 0.8


def test_degenerate_faces_and_empty_input(kernels):
    settings = {"image_size": 4}
    flat = neural_rasterize(
        SQUARE[None], torch.tensor([[0, 1, 1], [2, 2, 2]]), **settings
    )
    assert flat.alpha.sum() == 0
    assert neural_rasterize(SQUARE[None], FACE[:0], **settings).alpha.sum() == 0
    empty = neural_rasterize(torch.zeros(0, 4, 3), FACE, **settings)
    assert empty.alpha.shape == (0, 4, 4) and empty.depth.shape == (0, 4, 4)


def test_half_and_non_contiguous_input(kernels):
    points, faces, _ = scene(1, dtype=torch.float32)
    view = points.transpose(1, 2).contiguous().transpose(1, 2)
    expected = neural_rasterize(points, faces, image_size=8).depth
    assert torch.equal(neural_rasterize(view, faces, image_size=8).depth, expected)
    low = points.half().requires_grad_()
    alpha = neural_rasterize(low, faces, image_size=8).alpha
    wide = neural_rasterize(points.half().float(), faces, image_size=8).alpha
    assert alpha.dtype == torch.float16 and torch.equal(alpha, wide.half())
    (alpha.float() * torch.linspace(-1, 1, 8)).sum().backward()
    assert low.grad.dtype == torch.float16 and low.grad.abs().sum() > 0


def test_threads_and_batch_do_not_change_a_bit(compiled, threads):
    points, faces, cubes = scene(2, 30, dtype=torch.float32)
    results = []
    for count, part in ((1, slice(0, 2)), (3, slice(0, 2)), (2, slice(0, 1))):
        threads(count)
        leaf = points[part].clone().requires_grad_()
        images = neural_rasterize(leaf, faces[part], cubes[part], image_size=20)
        pull = torch.linspace(-1, 1, 20)
        loss = (images.rgb * pull).sum() + (images.alpha * pull).sum()
        (loss + images.depth.sum()).backward()
        results.append((images.rgb.detach(), images.depth.detach(), leaf.grad))
    for other in results[1:]:
        for one, more in zip(other, results[0], strict=True):
            assert torch.equal(one, more[: len(one)])


def test_schema_and_compilation(compiled):
    points, faces, cubes = scene()
    given = arguments(points.requires_grad_(), faces, cubes.requires_grad_(), size=6)
    torch.library.opcheck(torch.ops.svr3d.neural_rasterize, given)
    maps = [m.detach() for m in torch.ops.svr3d.neural_rasterize(*given)]
    rest = [t.detach() if isinstance(t, torch.Tensor) else t for t in given]
    torch.library.opcheck(
        torch.ops.svr3d.neural_rasterize_backward,
        (maps[0] - 0.5, maps[1], *maps, *rest[:5], *rest[6:]),
    )

    def run(v):
        images = neural_rasterize(v, faces, cubes.detach(), image_size=6)
        return (images.rgb * torch.linspace(-1, 1, 6)).sum()

    fast = torch.compile(run, fullgraph=True, backend="aot_eager")
    slopes = [torch.autograd.grad(f(points), points)[0] for f in (run, fast)]
    assert torch.equal(*slopes) and slopes[0].abs().sum() > 0


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"vertices": torch.rand(1, 4, 2)}, ValueError, r"vertices: .*\(B, N, 3\)"),
        ({"faces": torch.tensor([[0, 1, 4]])}, ValueError, "faces: .*found 4"),
        ({"image_size": -1}, ValueError, "image_size: .*found -1"),
        ({"near": 5.0, "far": 2.0}, ValueError, "near, far: .*found 5.0, 2.0"),
        ({"eps": 0.0}, ValueError, "eps: .*found 0.0"),
        ({"background": (0, 0)}, ValueError, "background: expected three"),
        ({"textures": torch.rand(1, 2, 2, 2, 3)}, ValueError, "textures: .*T, T, T, 3"),
        ({"lengths": torch.tensor([3])}, ValueError, "lengths: .*0 to 2, found 3"),
    ],
)
def test_errors_name_argument_expected_and_found(change, error, message):
    given = {"vertices": SQUARE[None], "faces": HALVES, "image_size": 4} | change
    with pytest.raises(error, match=message):
        neural_rasterize(given.pop("vertices"), given.pop("faces"), **given)
