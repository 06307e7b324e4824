# SPDX-License-Identifier: Apache-2.0
"""Turn a folder of meshes into a data set in a published layout."""

import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from svr3d.preparation.executors import run_jobs
from svr3d.preparation.journal import open_journal, read_record
from svr3d.preparation.manifest import manifest
from svr3d.preparation.object_job import ObjectJob
from svr3d.preparation.settings import BuildSettings
from svr3d.preparation.sources import MeshSource, find_sources
from svr3d.preparation.splitting import split_objects

MANIFEST_FILE = "manifest.json"


@dataclass
class BuildReport:
    """What a build did.

    Attributes:
        root: Folder of the data set.
        built: Objects that this run made.
        kept: Objects that an earlier run had finished.
        failures: Reason by file, for each mesh that gave no object.
        seconds: Duration of the run.
    """

    root: Path
    built: int = 0
    kept: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


def build_dataset(
    meshes: str | Path,
    out: str | Path,
    *,
    settings: BuildSettings,
    workers: int = 0,
    executor: str = "process",
    overwrite: bool = False,
    progress: bool = False,
) -> BuildReport:
    """Build a data set; objects that an earlier run finished are kept.

    Args:
        meshes: Folder with ``<category>/<name>.<suffix>``.
        out: Folder of the data set.
        settings: What to make.
        workers: Worker processes; 0 works in this process.
        executor: ``process`` or ``ray``.
        overwrite: Build all objects anew.
        progress: Show a progress bar on the standard error stream.

    Returns:
        Counts and failures. Split lists and manifest are written only if there is at
        least one object.

    Raises:
        DataError: No meshes are found, or ``out`` cannot be written or is in use.
        ConfigError: ``out`` holds objects with other settings, or the executor is
            unknown or not installed.
    """
    started = time.monotonic()
    root = Path(out).absolute()
    sources, failures = find_sources(meshes)
    report = BuildReport(root, failures=failures)
    records: dict[str, dict] = {}
    with open_journal(root, settings, overwrite=overwrite):
        todo = []
        for source in sources:
            record = _finished(root, source, settings)
            if record is None:
                todo.append(ObjectJob(source, root, settings))
            else:
                records[source.sample_id] = record
        report.kept = len(records)
        outcomes = run_jobs(todo, workers=workers, executor=executor)
        for outcome in _watch(outcomes, len(todo), progress):
            if outcome.record is None:
                report.failures[str(outcome.source.path)] = outcome.reason
            else:
                records[outcome.source.sample_id] = outcome.record
                report.built += 1
        if records:
            _finish(root, settings, records, report.failures)
    report.seconds = time.monotonic() - started
    return report


def _finished(root: Path, source: MeshSource, settings: BuildSettings) -> dict | None:
    """Return the record of an object that is complete and whose mesh is the same."""
    record = read_record(root, source.sample_id)
    if record is None or record.get("sha256") != source.sha256():
        return None
    layout = settings.build_layout()
    complete = layout.is_complete(root, source.category, source.model)
    return record if complete else None


def _watch(outcomes, total, progress):
    if not progress:
        return outcomes
    from tqdm import tqdm

    return tqdm(outcomes, total=total, unit="mesh", desc="building", smoothing=0.05)


def _finish(
    root: Path,
    settings: BuildSettings,
    records: dict[str, dict],
    failures: dict[str, str],
) -> None:
    records = dict(sorted(records.items()))
    splits = split_objects(records, settings.split, seed=settings.seed)
    settings.build_layout().write_splits(root, splits)
    content = manifest(settings, records, failures)
    draft = root / (MANIFEST_FILE + ".new")
    draft.write_text(json.dumps(content, indent=1) + "\n")
    os.replace(draft, root / MANIFEST_FILE)
