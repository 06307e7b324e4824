# SPDX-License-Identifier: Apache-2.0
"""What metrics that end in a table per category share."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from torch import Tensor

from svr3d.metrics.result_table import ResultTable


class TableMetric(BaseMetric):
    """Base of metrics that measure samples one by one.

    ``process`` appends one dict per sample to ``results``, made by :meth:`identify`;
    ``compute_metrics`` makes the table with :meth:`make_table`. After an evaluation,
    ``table`` holds the :class:`ResultTable` and ``samples`` one dict per sample, both
    in the main process only.
    """

    table: ResultTable | None = None
    samples: list[dict[str, Any]] = []

    def __init__(
        self,
        *,
        baselines: Mapping[str, Mapping[str, float]] | None = None,
        protocol: Mapping[str, Any] | None = None,
        collect_device: str = "cpu",
        prefix: str | None = None,
    ):
        """Set up the metric.

        Args:
            baselines: Category name or taxonomy id -> key -> published figure; by
                default those of the data set.
            protocol: Facts of the evaluation, stored with the table. The number of
                views is replaced by the one found in the batches.
            collect_device: Where results of several processes meet, 'cpu' or 'gpu'.
            prefix: Prefix of the metric's names.
        """
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.baselines = baselines
        self.protocol = dict(protocol or {})

    def identify(self, data_batch: Mapping[str, Any], index: int) -> dict[str, Any]:
        """Return sample id, category and number of views of one sample of a batch."""
        images = data_batch.get("images")
        return {
            "sample_id": data_batch["sample_id"][index],
            "category": int(data_batch["category"][index]),
            "views": None if images is None else len(images[index]),
        }

    def make_table(
        self,
        metric: str,
        columns: Sequence[str],
        results: Sequence[Mapping[str, Any]],
        values: Sequence[Sequence[float]] | np.ndarray,
        *,
        summary: Mapping[str, Any],
        facts: Mapping[str, Any] | None = None,
        published: Mapping[str, str] | None = None,
        smaller_is_better: Sequence[str] = (),
    ) -> ResultTable:
        """Average samples per category.

        Args:
            metric: What is measured.
            columns: K labels.
            results: What :meth:`identify` returned for each of N samples.
            values: (N, K).
            summary: Further scalars.
            facts: Of the protocol that the metric knows itself.
            published: Column -> key of the baselines that it is compared with. By
                default the baselines are those of '<V>-view', for all columns.
            smaller_is_better: Those of the columns that hold distances.
        """
        names = [self.category_name(result) for result in results]
        ids = (self.dataset_meta or {}).get("taxonomy_ids") or []
        id_of = {
            name: str(ids[result["category"]])
            for name, result in zip(names, results, strict=True)
            if result["category"] < len(ids)
        }
        protocol = {**(facts or {}), **self.protocol}
        views = {result["views"] for result in results} - {None}
        if len(views) == 1:
            protocol["views"] = views.pop()
        known = {
            name: self._known(name, id_of.get(name, ""))
            for name in dict.fromkeys(names)
        }
        baselines, figures = {}, {}
        if published is None:
            key = f"{protocol.get('views')}-view"
            baselines = {name: entry.get(key) for name, entry in known.items()}
        else:
            figures = {
                name: {
                    column: float(entry[key])
                    for column, key in published.items()
                    if column in columns and key in entry
                }
                for name, entry in known.items()
            }
        return ResultTable.from_samples(
            metric,
            columns,
            categories=names,
            values=values,
            baselines=baselines,
            published=figures,
            taxonomy_ids=id_of,
            protocol=protocol,
            summary=summary,
            smaller_is_better=smaller_is_better,
        )

    def category_name(self, result: Mapping[str, Any]) -> str:
        """Return the display name of a sample's category."""
        names = (self.dataset_meta or {}).get("categories") or []
        if result["category"] < len(names):
            return str(names[result["category"]])
        return result["sample_id"].rsplit("/", 1)[0]

    def sample_row(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """Return what names a sample in the list of samples."""
        return {
            "sample_id": result["sample_id"],
            "category": self.category_name(result),
        }

    def _known(self, name: str, taxonomy_id: str) -> Mapping[str, float]:
        known = self.baselines
        if known is None:
            known = (self.dataset_meta or {}).get("baselines") or {}
        return known.get(name) or known.get(taxonomy_id) or {}


def threshold_columns(thresholds: Sequence[float]) -> tuple[str, ...]:
    """Return labels of columns, one per threshold."""
    return tuple(f"t={threshold:.2f}" for threshold in thresholds)


def threshold_scores(
    values: np.ndarray, thresholds: Sequence[float]
) -> tuple[dict[str, float], int]:
    """Compare thresholds by their mean over samples.

    The best one is what a checkpoint stores with its validation, what reconstruction
    takes, and what the threshold search reports.

    Args:
        values: IoU (N, T).
        thresholds: T values.

    Returns:
        'iou_t0.20' ..., 'iou_max' and 'iou_max_threshold'; and which is the best.
    """
    overall = np.asarray(values, np.float64).reshape(-1, len(thresholds)).mean(axis=0)
    best = int(np.argmax(overall))
    scores = {
        f"iou_{label.replace('=', '')}": float(value)
        for label, value in zip(threshold_columns(thresholds), overall, strict=True)
    }
    scores["iou_max"] = float(overall[best])
    scores["iou_max_threshold"] = float(thresholds[best])
    return scores, best


def stack(value: Tensor | Sequence[Tensor]) -> Tensor:
    """Return a collated entry as one tensor."""
    return value if isinstance(value, Tensor) else torch.stack(list(value))


def require(data_batch: Mapping[str, Any], *keys: str, metric: str) -> None:
    """Raise unless a batch holds what a metric compares with.

    Raises:
        KeyError: Naming metric, missing key and what the batch holds.
    """
    for key in keys:
        if key not in data_batch:
            found = ", ".join(sorted(data_batch)) or "nothing"
            raise KeyError(f"{metric}: expected {key!r} in the batch, found {found}")
