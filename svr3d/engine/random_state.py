# SPDX-License-Identifier: Apache-2.0
"""The global random generators: save, restore, and seed each iteration on its own."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from svr3d.datasets.rng import stable_seed


def capture_random_state() -> dict[str, Any]:
    """Return the states of Python's, numpy's and torch's generators as tensors."""
    version, words, gauss = random.getstate()
    name, keys, position, has_gauss, cached = np.random.get_state()
    state = {
        "python": [version, torch.tensor(words, dtype=torch.int64), gauss],
        "numpy": [
            name,
            torch.from_numpy(keys.astype(np.int64)),
            int(position),
            int(has_gauss),
            float(cached),
        ],
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state()
    return state


def restore_random_state(state: dict[str, Any]) -> None:
    """Bring the generators back to a captured state."""
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words.tolist()), gauss))
    name, keys, position, has_gauss, cached = state["numpy"]
    words = keys.cpu().numpy().astype(np.uint32)
    np.random.set_state((name, words, position, has_gauss, cached))
    torch.set_rng_state(state["torch"].cpu())
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"].cpu())


@contextmanager
def preserved_random_state() -> Iterator[None]:
    """Leave the generators after the block as they were before it."""
    state = capture_random_state()
    try:
        yield
    finally:
        restore_random_state(state)


def seed_iteration(seed: int, iteration: int, rank: int) -> None:
    """Seed all generators for one training iteration of one process.

    What a model draws then depends on nothing that ran before: neither on validation
    nor on pictures nor on where a run was interrupted.
    """
    value = stable_seed("iteration", seed, iteration, rank)
    random.seed(value)
    np.random.seed(value)
    torch.manual_seed(value)
