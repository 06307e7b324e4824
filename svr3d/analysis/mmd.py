# SPDX-License-Identifier: Apache-2.0
"""How far apart sets of codes are: maximum mean discrepancy with Gaussian kernels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

NUM_KERNELS = 5
FACTOR = 2.0


def gaussian_kernels(
    source: Tensor,
    target: Tensor,
    *,
    bandwidth: float | None = None,
    num_kernels: int = NUM_KERNELS,
    factor: float = FACTOR,
) -> Tensor:
    """Return the sum of Gaussian kernels of all pairs of two sets, taken together.

    The kernels are ``exp(-d / (b factor^i))``, i = 0 ... ``num_kernels`` - 1, of the
    squared distance d. The middle one of an odd number has the bandwidth that is given,
    or the mean squared distance of two different codes of both sets, which makes the
    result free of the codes' scale.

    Source: ``guassian_kernel`` of bomb2peng/learn3D, ``losses.py``.

    Args:
        source: (N, C).
        target: (M, C).
        bandwidth: Of the middle kernel; None takes it from the codes.
        num_kernels: How many kernels are summed.
        factor: Ratio of two neighbouring bandwidths.

    Returns:
        (N + M, N + M) float64, those of the source first.

    Raises:
        ValueError: If the sets have other shapes, or a number makes no sense.
    """
    if source.ndim != 2 or target.ndim != 2 or source.shape[1] != target.shape[1]:
        raise ValueError(
            "codes: expected (N, C) and (M, C), found "
            f"{tuple(source.shape)} and {tuple(target.shape)}"
        )
    if 0 in (len(source), len(target)):
        raise ValueError(
            f"codes: expected at least one in each set, found {len(source)} and "
            f"{len(target)}"
        )
    if num_kernels < 1 or factor <= 0 or (bandwidth is not None and bandwidth <= 0):
        raise ValueError(
            "kernels: expected num_kernels >= 1, factor > 0 and bandwidth > 0, found "
            f"{num_kernels}, {factor} and {bandwidth}"
        )
    squared = _squared_distances(torch.cat([source, target]).double())
    size = len(squared)
    width = squared.sum() / (size * size - size) if bandwidth is None else bandwidth
    # Equal codes are at distance 0, where every bandwidth gives 1.
    width = torch.as_tensor(width, dtype=squared.dtype, device=squared.device)
    width = torch.where(width > 0, width, torch.ones_like(width))
    width = width / factor ** (num_kernels // 2)
    return sum(
        torch.exp(-squared / (width * factor**index)) for index in range(num_kernels)
    )


def mmd_rbf(
    source: Tensor,
    target: Tensor,
    *,
    bandwidth: float | None = None,
    num_kernels: int = NUM_KERNELS,
    factor: float = FACTOR,
) -> Tensor:
    """Return the squared maximum mean discrepancy of two sets of codes.

    It is the biased estimate, summed over the kernels: 0 for equal sets, and of two
    sets that are drawn from one distribution larger the fewer codes they have, so that
    values compare only at one size. For sets of equal size, which the published program
    needs, it is the published value.

    Source: ``mmd_rbf`` of bomb2peng/learn3D, ``losses.py``.

    Args:
        source: (N, C).
        target: (M, C).
        bandwidth: See :func:`gaussian_kernels`.
        num_kernels: See :func:`gaussian_kernels`.
        factor: See :func:`gaussian_kernels`.

    Returns:
        Scalar float64, with a gradient where the codes have one.

    Raises:
        ValueError: As :func:`gaussian_kernels` does.
    """
    kernels = gaussian_kernels(
        source, target, bandwidth=bandwidth, num_kernels=num_kernels, factor=factor
    )
    count = len(source)
    own, other = kernels[:count, :count].mean(), kernels[count:, count:].mean()
    return own + other - 2 * kernels[:count, count:].mean()


def pairwise_mmd(domains: Sequence[Tensor], *, progress: bool = False) -> Tensor:
    """Return the discrepancy of each pair of domains.

    Args:
        domains: Codes (N_d, C) of each domain, such as the views of a data set.
        progress: Whether to show a progress bar.

    Returns:
        Symmetric (D, D) float64 with a zero diagonal.

    Raises:
        ValueError: If a domain has no codes, or codes differ in length.
    """
    matrix = torch.zeros(len(domains), len(domains), dtype=torch.float64)
    pairs = list(
        zip(*torch.triu_indices(*matrix.shape, offset=1).tolist(), strict=True)
    )
    if progress:
        from tqdm import tqdm

        pairs = tqdm(pairs, unit="pair", desc="comparing")
    for i, j in pairs:
        matrix[i, j] = matrix[j, i] = mmd_rbf(domains[i], domains[j]).detach().cpu()
    return matrix


def mean_of_pairs(matrix: Tensor) -> float:
    """Return the mean over the pairs of different domains, the published figure.

    Args:
        matrix: What :func:`pairwise_mmd` returned.

    Raises:
        ValueError: If there are fewer than two domains.
    """
    if len(matrix) < 2:
        raise ValueError(f"domains: expected at least two, found {len(matrix)}")
    rows, columns = torch.triu_indices(*matrix.shape, offset=1)
    return float(matrix[rows, columns].mean())


def _squared_distances(codes: Tensor) -> Tensor:
    # About their mean, where the products cancel least.
    codes = codes - codes.mean(dim=0)
    norms = codes.square().sum(dim=1)
    squared = norms[:, None] + norms - 2 * codes @ codes.T
    return squared.clamp(min=0).fill_diagonal_(0)
