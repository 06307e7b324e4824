# SPDX-License-Identifier: Apache-2.0
"""Codes of a data set's views, with what they are of."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import default_collate

from svr3d.analysis.dispersion.inputs import batches
from svr3d.errors import DataError

# What of a sample has an axis of views.
_VIEW_KEYS = (
    "images",
    "masks",
    "view_ids",
    "view_classes",
    "view_angles",
    "rotations",
    "poses",
)
_UNKNOWN = -1


@dataclass(frozen=True)
class CodeTable:
    """Codes, one to a view, or one to a sample of methods that read no images.

    Attributes:
        codes: (N, C) float32.
        views: (N,) int64 class of the view, else its number, else -1.
        azimuths: (N,) float32 degrees in [0, 360), or NaN where the camera is unknown.
        categories: (N,) int64, -1 where unknown.
        sample_ids: Of the objects.
        category_names: By number.
        facts: What the codes were computed from, builtins only.
    """

    codes: np.ndarray
    views: np.ndarray
    azimuths: np.ndarray
    categories: np.ndarray
    sample_ids: list[str]
    category_names: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def objects(self) -> np.ndarray:
        """Number (N,) of the object of each code.

        Where each view is a sample of its own, its identifier ends with the view.
        """
        ends = [f"_{view:02d}" for view in self.views]
        names = self.sample_ids
        if all(name.endswith(end) for name, end in zip(names, ends, strict=True)):
            names = [n.removesuffix(end) for n, end in zip(names, ends, strict=True)]
        return np.unique(names, return_inverse=True)[1]

    def save(self, path: str | Path) -> Path:
        """Write the table as ``.npz`` of plain arrays."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        # A handle keeps numpy from adding an ending to the name.
        with open(path, "wb") as file:
            np.savez_compressed(
                file,
                codes=self.codes,
                views=self.views,
                azimuths=self.azimuths,
                categories=self.categories,
                sample_ids=np.array(self.sample_ids, dtype=np.str_),
                category_names=np.array(self.category_names, dtype=np.str_),
                facts=np.array(json.dumps(self.facts)),
            )
        return path

    @classmethod
    def load(cls, path: str | Path) -> CodeTable:
        """Read a table.

        Raises:
            DataError: If the file is another.
        """
        try:
            with np.load(path, allow_pickle=False) as archive:
                found = {name: archive[name] for name in archive.files}
            facts = json.loads(str(found.pop("facts")))
            for name in ("sample_ids", "category_names"):
                found[name] = found[name].tolist()
            table = cls(**found, facts=facts)
        except FileNotFoundError as error:
            raise DataError(f"{path}: expected a file of codes, found none") from error
        except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
            raise DataError(
                f"{path}: expected codes as svr3d embed writes them, found: {error}"
            ) from error
        sizes = {len(part) for part in (table.codes, table.views, table.sample_ids)}
        if len(sizes) != 1 or table.codes.ndim != 2:
            raise DataError(
                f"{path}: expected codes (N, C) with N views and N sample_ids, found "
                f"{table.codes.shape}, {len(table.views)} and {len(table.sample_ids)}"
            )
        return table


class CodeCollector:
    """Encodes batches, each view by itself, and keeps the codes."""

    def __init__(self) -> None:
        """Start without codes."""
        self._parts: list[dict[str, Any]] = []

    @torch.no_grad()
    def add(self, model: nn.Module, batch: Mapping[str, Any]) -> None:
        """Encode a batch.

        Args:
            model: A reconstructor with ``code``, in evaluation mode.
            batch: Collated, before the data preprocessor.

        Raises:
            ConfigError: If the method has no code.
        """
        key = getattr(model, "input_key", "images")
        single = single_views(batch) if key == "images" else dict(batch)
        codes = model.code(model.data_preprocessor(single, False))
        count = len(codes)
        by_view = key == "images"
        self._parts.append(
            {
                "codes": codes.flatten(1).float().cpu().numpy(),
                "views": _views(single, count) if by_view else _filled(count),
                "azimuths": _azimuths(single, count, by_view=by_view),
                "categories": _numbers(single.get("category"), count),
                "sample_ids": [str(name) for name in single["sample_id"]],
            }
        )

    def merge(self, others: Iterable[CodeCollector]) -> None:
        """Take the codes of other collectors too, of other processes say."""
        for other in others:
            self._parts += other._parts

    def table(self, category_names: Sequence[str] = (), **facts: Any) -> CodeTable:
        """Return the codes in the order in which they came, each view once.

        Samplers repeat samples to give all processes equally many.

        Args:
            category_names: By number.
            facts: What the codes were computed from.

        Raises:
            DataError: If there is none.
        """
        if not self._parts:
            raise DataError("codes: expected at least one batch, found none")
        joined = {
            name: np.concatenate([part[name] for part in self._parts])
            for name in ("codes", "views", "azimuths", "categories")
        }
        names = [name for part in self._parts for name in part["sample_ids"]]
        keys = zip(names, joined["views"].tolist(), strict=True)
        first = {key: place for place, key in reversed(list(enumerate(keys)))}
        kept = np.array(sorted(first.values()))
        return CodeTable(
            **{name: values[kept] for name, values in joined.items()},
            sample_ids=[names[place] for place in kept],
            category_names=list(category_names),
            facts=facts,
        )


def encode_samples(
    model: nn.Module,
    samples: Iterable[Mapping[str, Any]],
    *,
    batch_size: int = 32,
    total: int | None = None,
    category_names: Sequence[str] = (),
    facts: Mapping[str, Any] | None = None,
) -> CodeTable:
    """Encode samples of a data set, each view by itself.

    Args:
        model: A reconstructor with ``code``, on its device.
        samples: What a data set returns.
        batch_size: Samples per forward pass.
        total: Number of samples, for a progress bar; None shows none.
        category_names: By number.
        facts: What the codes are computed from.

    Raises:
        ConfigError: If the method has no code.
        DataError: If there is no sample.
    """
    if total is not None:
        from tqdm import tqdm

        samples = tqdm(samples, total=total, unit="sample", desc="encoding")
    # Targets, which differ in size, are left out.
    keys = {*_VIEW_KEYS, "category", "sample_id", getattr(model, "input_key", "images")}
    model.eval()
    collector = CodeCollector()
    for group in batches(samples, batch_size):
        chosen = [{key: s[key] for key in keys if key in s} for s in group]
        collector.add(model, default_collate(chosen))
    return collector.table(category_names, **(facts or {}))


def single_views(batch: Mapping[str, Any]) -> dict[str, Any]:
    """Return a batch in which each view is a sample of its own.

    Args:
        batch: With ``images`` (B, V, 3, H, W).

    Returns:
        The same with B V samples of one view, the views of a sample side by side.

    Raises:
        DataError: If there are no images.
    """
    if "images" not in batch:
        raise DataError(
            f"batch: expected 'images', found {', '.join(map(repr, batch))}"
        )
    samples, views = batch["images"].shape[:2]
    if views == 1:
        return dict(batch)
    single: dict[str, Any] = {}
    for key, value in batch.items():
        if key in _VIEW_KEYS:
            single[key] = value.flatten(0, 1)[:, None]
        elif isinstance(value, Tensor) and len(value) == samples:
            single[key] = value.repeat_interleave(views, dim=0)
        elif isinstance(value, list | tuple) and len(value) == samples:
            single[key] = [item for item in value for _ in range(views)]
        else:
            single[key] = value
    return single


def _views(batch: Mapping[str, Any], count: int) -> np.ndarray:
    key = "view_classes" if "view_classes" in batch else "view_ids"
    return _numbers(batch.get(key), count)


def _numbers(values: Tensor | None, count: int) -> np.ndarray:
    if values is None:
        return _filled(count)
    return torch.as_tensor(values).reshape(count).cpu().numpy().astype(np.int64)


def _filled(count: int) -> np.ndarray:
    return np.full(count, _UNKNOWN, np.int64)


def _azimuths(batch: Mapping[str, Any], count: int, *, by_view: bool) -> np.ndarray:
    degrees = np.full(count, np.nan)
    if by_view and "view_angles" in batch:
        degrees = batch["view_angles"].reshape(count, -1)[:, 0].double().cpu().numpy()
    elif by_view and "poses" in batch:
        radians = batch["poses"].reshape(count, -1)[:, 0].double().cpu().numpy()
        degrees = np.rad2deg(radians)
    return np.mod(degrees, 360).astype(np.float32)
