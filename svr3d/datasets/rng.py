# SPDX-License-Identifier: Apache-2.0
"""Random numbers of one sample, independent of workers, processes and order."""

import hashlib
import random
from typing import NamedTuple

import numpy as np


class SeededIndex(NamedTuple):
    """An index with the seed of its augmentation, as the training sampler yields it.

    Attributes:
        index: Position in the data set.
        seed: Seed of the sample's random draws, in [0, 2^32).
        num_views: Views of this sample; None for the data set's own number. A sampler
            that draws a number of views per batch gives all of a batch the same.
    """

    index: int
    seed: int
    num_views: int | None = None


class SampleRandom:
    """The two generators that the transforms of one sample draw from.

    The published programs draw from Python's and from numpy's legacy global generator;
    with equal seeds these two give the same streams as ``random.seed(s)`` and
    ``numpy.random.seed(s)``.

    Attributes:
        python: Stands for the module ``random``.
        numpy: Stands for the module ``numpy.random``.
    """

    def __init__(self, seed: int):
        self.python = random.Random(seed)
        self.numpy = np.random.RandomState(seed)


def stable_seed(*parts: int | str) -> int:
    """Return a seed in [0, 2^32) that depends on the parts and on nothing else.

    Args:
        parts: For example run seed, draw number and index.
    """
    # str() would give "1" and 1 the same seed, repr() does not.
    text = "\x1f".join(repr(p if isinstance(p, str) else int(p)) for p in parts)
    digest = hashlib.blake2b(text.encode(), digest_size=4).digest()
    return int.from_bytes(digest, "little")
