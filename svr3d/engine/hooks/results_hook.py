# SPDX-License-Identifier: Apache-2.0
"""Prints and stores the tables of metrics."""

import csv
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.registry import HOOKS


@HOOKS.register_module()
class ResultsHook(Hook):
    """Prints each metric's table and writes it to ``<work_dir>/results``.

    Files are ``<stage>_<metric>.json`` and ``.csv`` (the table and its protocol), and
    ``<stage>_<metric>_samples.csv`` (one line per sample, worst first), with stage
    'val' or 'test'. Each evaluation replaces the files of the one before it.
    """

    priority = "LOW"

    def __init__(self, directory: str = "results"):
        """Set up the hook.

        Args:
            directory: Folder, relative to the work dir.
        """
        self.directory = directory

    def after_val_epoch(self, runner, metrics: dict[str, float] | None = None) -> None:
        """Report the validation."""
        self._report(runner, "val", runner.val_loop.evaluator)

    def after_test_epoch(self, runner, metrics: dict[str, float] | None = None) -> None:
        """Report the test."""
        self._report(runner, "test", runner.test_loop.evaluator)

    def _report(self, runner, stage: str, evaluator) -> None:
        if not is_main_process():
            return
        folder = Path(runner.work_dir) / self.directory
        for metric in evaluator.metrics:
            table = getattr(metric, "table", None)
            if table is None:
                continue
            folder.mkdir(parents=True, exist_ok=True)
            stem = folder / f"{stage}_{metric.prefix or type(metric).__name__.lower()}"
            # A test has no iterations of its own: the checkpoint's are meant.
            loaded = getattr(runner, "loaded_meta", {}) if stage == "test" else {}
            table.summary.update(
                epoch=loaded.get("epoch", runner.epoch),
                iteration=loaded.get("iter", runner.iter),
            )
            table.to_json(stem.with_suffix(".json"))
            table.to_csv(stem.with_suffix(".csv"))
            samples = getattr(metric, "samples", [])
            if samples:
                path = Path(f"{stem}_samples.csv")
                write_samples(path, samples, larger_is_worse=table.larger_is_worse)
            text = table.to_report() if stage == "val" else _test_text(table)
            runner.logger.info(f"{stage} results, saved as {stem}.json\n{text}")


def write_samples(
    path: Path, samples: list[dict[str, Any]], *, larger_is_worse: bool = False
) -> None:
    """Write one line per sample, the worst first.

    Args:
        path: CSV file.
        samples: Rows with equal keys; the numbers after ``sample_id`` and
            ``category`` are scores, of which the largest of the columns 't=...'
            decides, or the first one.
        larger_is_worse: Whether the scores are distances.
    """
    scores = [key for key in samples[0] if key not in ("sample_id", "category")]
    by = [key for key in scores if key.startswith("t=")] or scores[:1]
    ordered = sorted(
        samples,
        key=lambda row: max((row[key] for key in by), default=0),
        reverse=larger_is_worse,
    )
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, list(samples[0]))
        writer.writeheader()
        writer.writerows(ordered)


def _test_text(table) -> str:
    """Return the published form of the table, then the aligned one."""
    return f"{table.to_text()}\n{table.to_report()}"
