# SPDX-License-Identifier: Apache-2.0
"""Seeds that depend on names alone, never on order, process or Python's hash."""

import hashlib

import numpy as np


def stable_seed(*parts: object) -> int:
    """Return a 63-bit seed that is the same on every machine for the same parts."""
    text = "\0".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def stable_rng(*parts: object) -> np.random.Generator:
    """Return a NumPy generator seeded by `stable_seed` of the parts."""
    return np.random.Generator(np.random.PCG64(stable_seed(*parts)))
