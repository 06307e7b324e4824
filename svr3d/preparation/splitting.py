# SPDX-License-Identifier: Apache-2.0
"""Seeded split of a data set's objects, category by category."""

from collections.abc import Iterable
from dataclasses import replace

from svr3d.io.splits import CategorySplit
from svr3d.preparation.seeding import stable_seed


def split_objects(
    sample_ids: Iterable[str], shares: tuple[float, float, float], *, seed: int
) -> list[CategorySplit]:
    """Split every category into train, val and test by the given shares.

    Objects are ranked by a hash of seed and name, so that the order does not depend
    on which other objects exist. Counts are rounded, but a category of at least two
    objects keeps one for training and, if its share is not 0, one for testing; of
    three or more, one validates.

    Args:
        sample_ids: ``<category>/<model>`` of all objects.
        shares: Shares of train, val and test, with sum 1.
        seed: Seed of the ranking.

    Returns:
        One entry per category, sorted by name; models are sorted too.
    """
    categories: dict[str, list[str]] = {}
    for sample_id in sample_ids:
        category, model = sample_id.split("/", 1)
        categories.setdefault(category, []).append(model)
    return [
        _split_category(name, models, shares, seed)
        for name, models in sorted(categories.items())
    ]


def with_variants(
    splits: Iterable[CategorySplit], variants: Iterable[str]
) -> list[CategorySplit]:
    """Add deformed copies to the training split of their category.

    Args:
        splits: Split of the objects.
        variants: ``<category>/<model>`` of the copies.
    """
    copies: dict[str, list[str]] = {}
    for sample_id in variants:
        category, model = sample_id.split("/", 1)
        copies.setdefault(category, []).append(model)
    return [
        replace(
            split,
            models={
                **split.models,
                "train": sorted(
                    [*split.of("train"), *copies.get(split.taxonomy_id, ())]
                ),
            },
        )
        for split in splits
    ]


def _split_category(
    category: str, models: list[str], shares: tuple[float, float, float], seed: int
) -> CategorySplit:
    ranked = sorted(models, key=lambda m: (stable_seed(seed, "split", category, m), m))
    count = len(ranked)
    num_test = int(count * shares[2] + 0.5)
    num_val = int(count * shares[1] + 0.5)
    if count >= 2:
        num_test = max(num_test, int(shares[2] > 0))
        if shares[0] > 0:
            num_test = min(num_test, count - 1)
            num_val = min(num_val, count - 1 - num_test)
    if count >= 3 and shares[0] > 0 and shares[1] > 0:
        num_val = max(num_val, int(count - num_test >= 2))
    num_val = min(num_val, count - num_test)
    if shares[0] == 0 and shares[1] > 0:
        num_val = count - num_test
    parts = {
        "train": sorted(ranked[num_test + num_val :]),
        "val": sorted(ranked[num_test : num_test + num_val]),
        "test": sorted(ranked[:num_test]),
    }
    return CategorySplit(category, category, parts)
