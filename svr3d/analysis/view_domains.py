# SPDX-License-Identifier: Apache-2.0
"""Codes sorted into domains of views, and how far apart these are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from svr3d.analysis.codes import CodeTable
from svr3d.analysis.mmd import mean_of_pairs, pairwise_mmd
from svr3d.errors import DataError

# 96 batches of 128 images of objects with 24 views each.
PUBLISHED_COUNT = 512


@dataclass(frozen=True)
class DomainDistances:
    """Discrepancies between domains of views.

    Attributes:
        labels: Name of each domain.
        counts: Codes of each.
        matrix: (D, D) discrepancy of each pair.
        mean: Over the pairs of different domains.
        chance: The same of domains of these sizes whose codes are drawn by lot; None
            where that was not computed.
    """

    labels: list[str]
    counts: list[int]
    matrix: np.ndarray
    mean: float
    chance: float | None = None


def label_views(
    table: CodeTable, *, azimuth_bins: int | None = None
) -> tuple[np.ndarray, list[str]]:
    """Return the domain of each code, and the domains' names.

    Args:
        table: The codes.
        azimuth_bins: Bins of equal width that the circle of azimuths is cut into, the
            first of them from 0 degrees; None takes the classes or numbers of the
            views.

    Returns:
        (N,) positions in the names, and the names of the domains that occur.

    Raises:
        DataError: If the views are unknown.
    """
    if azimuth_bins is None:
        if (table.views < 0).any():
            raise DataError(
                "views: expected a data set with view_ids or view_classes, and a "
                "method that reads images; found codes without a view"
            )
        classes, places = np.unique(table.views, return_inverse=True)
        return places, [f"view {number}" for number in classes]
    if azimuth_bins < 2:
        raise ValueError(f"azimuth_bins: expected at least 2, found {azimuth_bins}")
    if np.isnan(table.azimuths).any():
        raise DataError(
            "azimuths: expected a data set with view_angles or poses, found codes of "
            "unknown cameras"
        )
    width = 360 / azimuth_bins
    # float32 may round an azimuth just below 360 up to it.
    bins = np.minimum((table.azimuths / width).astype(np.int64), azimuth_bins - 1)
    found, places = np.unique(bins, return_inverse=True)
    return places, [f"{n * width:g} to {(n + 1) * width:g} degrees" for n in found]


def measure_domains(
    table: CodeTable,
    *,
    azimuth_bins: int | None = None,
    most: int | None = PUBLISHED_COUNT,
    chance_seed: int | None = 0,
    device: str | torch.device = "cpu",
    progress: bool = False,
) -> DomainDistances:
    """Measure the discrepancy of each pair of domains.

    Args:
        table: The codes.
        azimuth_bins: See :func:`label_views`.
        most: Codes of each domain, the first ones; the published program takes at most
            512. None takes all.
        chance_seed: Of the lot that fills the domains for ``chance``; None leaves that
            out.
        device: Where discrepancies are computed.
        progress: Whether to show progress bars.

    Raises:
        DataError: If there are fewer than two domains with two codes or more.
    """
    places, names = label_views(table, azimuth_bins=azimuth_bins)
    members = [np.flatnonzero(places == place)[:most] for place in range(len(names))]
    labels = [n for n, own in zip(names, members, strict=True) if len(own) > 1]
    members = [own for own in members if len(own) > 1]
    if len(members) < 2:
        raise DataError(
            f"domains: expected two of two codes or more, found {len(members)} among "
            f"{len(table)} codes of {len(names)} views"
        )
    codes = torch.from_numpy(table.codes).to(device)
    matrix = pairwise_mmd([codes[own] for own in members], progress=progress)
    chance = None
    if chance_seed is not None:
        drawn = np.random.default_rng(chance_seed).permutation(np.concatenate(members))
        cuts = np.cumsum([len(own) for own in members])[:-1]
        lots = [codes[own] for own in np.split(drawn, cuts)]
        chance = mean_of_pairs(pairwise_mmd(lots, progress=progress))
    return DomainDistances(
        labels=labels,
        counts=[len(own) for own in members],
        matrix=matrix.numpy(),
        mean=mean_of_pairs(matrix),
        chance=chance,
    )
