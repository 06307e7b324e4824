# SPDX-License-Identifier: Apache-2.0
"""Codes placed in the plane, and whose codes lie side by side."""

from __future__ import annotations

import numpy as np

from svr3d.errors import ConfigError, DataError

PCA_FEATURES = 50
PERPLEXITY = 30.0
_LEARNING_RATE = 200.0
_ITERATIONS = 1000
_FEWEST = 4
_AT_ONCE = 1024


def embed_codes(
    codes: np.ndarray,
    *,
    pca_features: int = PCA_FEATURES,
    perplexity: float = PERPLEXITY,
    seed: int = 0,
) -> np.ndarray:
    """Place codes in the plane by t-SNE, longer ones after a PCA.

    Learning rate and number of iterations are those that scikit-learn had by default
    when the published pictures were made.

    Source: mode ``t_SNE`` of bomb2peng/learn3D, ``3D-GAN.py``.

    Args:
        codes: (N, C); the order is of no meaning.
        pca_features: Length from which on codes are shortened to this many principal
            components.
        perplexity: About how many neighbours each code keeps; a third of the codes at
            most.
        seed: Of the PCA and the t-SNE.

    Returns:
        (N, 2) float32.

    Raises:
        ConfigError: If scikit-learn is missing, or a number makes no sense.
        DataError: If there are too few codes, or some are not finite.
    """
    codes = np.asarray(codes, dtype=np.float32)
    if codes.ndim != 2 or len(codes) < _FEWEST:
        raise DataError(
            f"codes: expected at least {_FEWEST} as (N, C), found shape {codes.shape}"
        )
    wrong = np.flatnonzero(~np.isfinite(codes).all(axis=1))
    if len(wrong):
        raise DataError(
            f"codes: expected finite numbers, found {len(wrong)} codes with others, "
            f"the first at {wrong[0]}"
        )
    if pca_features < 2 or perplexity <= 0:
        raise ConfigError(
            "embedding: expected pca_features >= 2 and perplexity > 0, found "
            f"{pca_features} and {perplexity}"
        )
    try:
        from sklearn.decomposition import PCA
        from sklearn.manifold import TSNE
    except ImportError as error:
        raise ConfigError(
            "embedding: t-SNE needs the package scikit-learn "
            "(pip install 'svr3d[embedding]')"
        ) from error
    if codes.shape[1] > pca_features:
        count = min(pca_features, len(codes))
        codes = PCA(n_components=count, random_state=seed).fit_transform(codes)
    placed = TSNE(
        n_components=2,
        init="pca" if codes.shape[1] > 1 else "random",
        perplexity=min(perplexity, (len(codes) - 1) / 3),
        learning_rate=_LEARNING_RATE,
        max_iter=_ITERATIONS,
        random_state=seed,
    ).fit_transform(codes)
    return placed.astype(np.float32)


def neighbor_agreement(
    codes: np.ndarray, labels: np.ndarray, *, exclude: np.ndarray | None = None
) -> float:
    """Return how often a code's nearest neighbour has the same label.

    Args:
        codes: (N, C).
        labels: (N,).
        exclude: (N,) group of each code, such as its object: neighbours of the own
            group do not count. None leaves out the code itself alone.

    Returns:
        The share of codes, of those that have a neighbour; NaN where none has.
    """
    codes = np.asarray(codes, dtype=np.float64)
    groups = np.arange(len(codes)) if exclude is None else np.asarray(exclude)
    norms = np.square(codes).sum(axis=1)
    same = []
    for start in range(0, len(codes), _AT_ONCE):
        own = slice(start, start + _AT_ONCE)
        distances = norms - 2 * codes[own] @ codes.T
        distances[groups[own, None] == groups] = np.inf
        nearest = distances.argmin(axis=1)
        known = np.isfinite(distances.min(axis=1))
        same.append((labels[nearest] == labels[own])[known])
    found = np.concatenate(same)
    return float(found.mean()) if len(found) else float("nan")
