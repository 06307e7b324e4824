# SPDX-License-Identifier: Apache-2.0
"""The unit of work of a build: one mesh, in any process on any machine."""

import json
import os
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

from svr3d.errors import SVR3DError
from svr3d.preparation.journal import record_path, temporary_folder
from svr3d.preparation.settings import BuildSettings
from svr3d.preparation.sources import MeshSource


@dataclass(frozen=True)
class ObjectJob:
    """One mesh to turn into one object of a data set.

    Attributes:
        source: The mesh file and its names.
        root: Folder of the data set.
        settings: What to make.
    """

    source: MeshSource
    root: Path
    settings: BuildSettings


@dataclass(frozen=True)
class JobOutcome:
    """How a job ended.

    Attributes:
        source: The mesh file and its names.
        record: Entry of the manifest, or None if the job failed.
        reason: Why it failed, or None.
    """

    source: MeshSource
    record: dict | None = None
    reason: str | None = None


def run_job(job: ObjectJob) -> JobOutcome:
    """Build one object; whatever is wrong with its file becomes a reason.

    The object's folders and files appear complete or not at all, and its record is
    written after them, so that a kill at any moment leaves nothing half-made behind.
    """
    try:
        return JobOutcome(job.source, record=_build(job))
    except SVR3DError as error:
        return JobOutcome(job.source, reason=str(error))
    except MemoryError:
        reason = f"{job.source.path}: expected a mesh that fits into memory"
        return JobOutcome(job.source, reason=reason)
    except Exception as error:  # one bad file must never stop the run
        reason = f"{job.source.path}: {type(error).__name__}: {error}"
        return JobOutcome(job.source, reason=reason)


def _build(job: ObjectJob) -> dict:
    from svr3d.preparation.deformation import Deformation
    from svr3d.preparation.object_data import prepare_object
    from svr3d.preparation.seeding import stable_rng

    source, root = job.source, job.root
    digest = source.sha256()
    deformation = None
    if source.variant:
        rng = stable_rng(job.settings.seed, source.sample_id, "deformation")
        deformation = Deformation.draw(rng)
    data = prepare_object(
        source.path, source.sample_id, settings=job.settings, deformation=deformation
    )
    record = {
        "source": f"{source.category}/{source.path.name}",
        "sha256": digest,
        **({"deformation": deformation.to_dict()} if deformation else {}),
        "loc": [float(value) for value in data.placed.loc],
        "scale": data.placed.scale,
        **data.counts(),
    }
    layout = job.settings.build_layout()
    workplace = temporary_folder(root) / uuid.uuid4().hex
    try:
        layout.write_object(workplace, source.category, source.model, data)
        target_record = record_path(root, source.sample_id)
        target_record.parent.mkdir(parents=True, exist_ok=True)
        target_record.unlink(missing_ok=True)
        for path in layout.object_paths(source.category, source.model):
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.is_dir():
                shutil.rmtree(target)
            os.replace(workplace / path, target)
        draft = workplace / "record.json"
        draft.write_text(json.dumps(record))
        os.replace(draft, target_record)
    finally:
        shutil.rmtree(workplace, ignore_errors=True)
    return record
