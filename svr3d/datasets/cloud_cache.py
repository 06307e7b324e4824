# SPDX-License-Identifier: Apache-2.0
"""Normalised clouds kept between runs, one file of each."""

import contextlib
import hashlib
import os
import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np


class CloudCache:
    """A folder of normalised clouds that are mapped into memory.

    The name of a file is made of the sample's name, the rule of normalisation, and size
    and time of the file that the cloud comes from: another file under the same name, or
    a sample that comes or goes, can never give a sample the points of another one.
    AtlasNet's own cache matches rows to samples by position and does just that.

    Files that nothing asks for any more stay there; the folder may be deleted.

    Args:
        folder: Where the files lie; made if it is missing.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)

    def get(
        self,
        sample_id: str,
        source: str | Path,
        rule: str,
        make: Callable[[], np.ndarray],
    ) -> np.ndarray:
        """Return a cloud (N, 3) float32, read-only.

        Args:
            sample_id: Name of the sample.
            source: File of the stored cloud.
            rule: Name of the normalisation.
            make: Makes the cloud if there is none.
        """
        status = os.stat(source)
        parts = (sample_id, rule, str(status.st_size), str(status.st_mtime_ns))
        name = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
        path = self.folder / name[:2] / f"{name}.npy"
        with contextlib.suppress(OSError, ValueError, EOFError):
            return np.load(path, mmap_mode="r", allow_pickle=False)
        cloud = make()
        path.parent.mkdir(parents=True, exist_ok=True)
        # Loader processes may make the same file at once: each under a name of its own.
        draft = path.with_name(f".{uuid.uuid4().hex}.npy")
        np.save(draft, cloud)
        os.replace(draft, path)
        return cloud
