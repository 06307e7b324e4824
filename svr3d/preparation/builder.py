# SPDX-License-Identifier: Apache-2.0
"""Turn a folder of meshes into a data set in a published layout."""

import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from svr3d.errors import DataError
from svr3d.io.splits import CategorySplit
from svr3d.preparation.executors import run_jobs
from svr3d.preparation.journal import open_journal, read_record
from svr3d.preparation.manifest import manifest
from svr3d.preparation.object_job import ObjectJob
from svr3d.preparation.settings import BuildSettings
from svr3d.preparation.sources import MeshSource, find_sources
from svr3d.preparation.splitting import split_objects, with_variants

MANIFEST_FILE = "manifest.json"
VARIANTS_SUFFIX = "_variants"


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
        Counts and failures, deformed copies included. Split lists and manifest are
        written only if there is at least one object.

    Raises:
        DataError: No meshes are found, ``out`` cannot be written or is in use, or a
            mesh has the name of another one's variant.
        ConfigError: ``out`` holds objects with other settings, or the executor is
            unknown or not installed.
    """
    started = time.monotonic()
    root = Path(out).absolute()
    sources, failures = find_sources(meshes)
    report = BuildReport(root, failures=failures)
    with open_journal(root, settings, overwrite=overwrite):

        def build(sources: list[MeshSource], what: str) -> dict[str, dict]:
            done = {s.sample_id: _finished(root, s, settings) for s in sources}
            records = {name: record for name, record in done.items() if record}
            report.kept += len(records)
            todo = [
                ObjectJob(s, root, settings) for s in sources if not done[s.sample_id]
            ]
            outcomes = run_jobs(todo, workers=workers, executor=executor)
            for outcome in _watch(outcomes, len(todo), progress, what):
                if outcome.record is None:
                    report.failures[str(outcome.source.path)] = outcome.reason
                else:
                    records[outcome.source.sample_id] = outcome.record
                    report.built += 1
            return dict(sorted(records.items()))

        records = build(sources, "building")
        if records:
            layout = settings.build_layout()
            splits = split_objects(records, settings.split, seed=settings.seed)
            layout.write_splits(root, splits)
            variants = build(_variants(sources, splits, settings), "variants")
            if settings.variants:
                more = with_variants(splits, variants)
                layout.write_splits(root, more, suffix=VARIANTS_SUFFIX)
            else:  # an older list may train on what is a test object now
                for path in layout.split_files(root, suffix=VARIANTS_SUFFIX):
                    path.unlink(missing_ok=True)
            _write_manifest(root, settings, records | variants, report.failures)
    report.seconds = time.monotonic() - started
    return report


def _variants(
    sources: list[MeshSource], splits: list[CategorySplit], settings: BuildSettings
) -> list[MeshSource]:
    """Return the deformed copies of the training objects.

    Raises:
        DataError: A mesh file already has the name of a copy.
    """
    training = {f"{s.taxonomy_id}/{model}" for s in splits for model in s.of("train")}
    taken = {source.sample_id: source.path for source in sources}
    variants = [
        source.as_variant(number)
        for source in sources
        if source.sample_id in training
        for number in range(1, settings.variants + 1)
    ]
    for variant in variants:
        if variant.sample_id in taken:
            raise DataError(
                f"{taken[variant.sample_id]}: expected another name, found the one "
                f"that variant {variant.variant} of {variant.path} takes"
            )
    return variants


def _finished(root: Path, source: MeshSource, settings: BuildSettings) -> dict | None:
    """Return the record of an object that is complete and whose mesh is the same."""
    record = read_record(root, source.sample_id)
    if record is None or record.get("sha256") != source.sha256():
        return None
    layout = settings.build_layout()
    complete = layout.is_complete(root, source.category, source.model)
    return record if complete else None


def _watch(outcomes, total, progress, what):
    if not progress or not total:
        return outcomes
    from tqdm import tqdm

    return tqdm(outcomes, total=total, unit="mesh", desc=what, smoothing=0.05)


def _write_manifest(
    root: Path,
    settings: BuildSettings,
    records: dict[str, dict],
    failures: dict[str, str],
) -> None:
    content = manifest(settings, records, failures)
    draft = root / (MANIFEST_FILE + ".new")
    draft.write_text(json.dumps(content, indent=1) + "\n")
    os.replace(draft, root / MANIFEST_FILE)
