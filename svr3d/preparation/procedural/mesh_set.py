# SPDX-License-Identifier: Apache-2.0
"""Write the procedural meshes as files."""

import re
from pathlib import Path

from svr3d.errors import ConfigError, DataError
from svr3d.io.meshes import save_mesh
from svr3d.preparation.procedural import CATEGORIES, make_object

MESHES = "meshes"


def write_meshes(root: str | Path, per_category: int, *, seed: int = 0) -> Path:
    """Write ``root/meshes/<category>/<category>_NNNN.glb`` for all categories.

    Meshes of an earlier run that this one does not have are removed.

    Args:
        root: Folder of the data set.
        per_category: Objects of each category.
        seed: Seed of the shapes; the same seed gives the same bytes.

    Returns:
        The folder of the meshes.

    Raises:
        ConfigError: The count is not positive.
        DataError: The folder cannot be written.
    """
    if per_category < 1:
        raise ConfigError(f"per-category: expected at least 1, found {per_category}")
    folder = Path(root) / MESHES
    try:
        for category in CATEGORIES:
            _write_category(folder / category, category, per_category, seed)
    except OSError as error:
        raise DataError(
            f"{folder}: expected a folder that can be written, found {error.strerror}"
        ) from error
    return folder


def _write_category(folder: Path, category: str, count: int, seed: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    names = {f"{category}_{index:04d}.glb": index for index in range(count)}
    for path in folder.iterdir():
        ours = re.fullmatch(rf"{category}_\d{{4,}}\.glb", path.name)
        if ours and path.name not in names:
            path.unlink()
    for name, index in names.items():
        save_mesh(folder / name, make_object(category, index, seed=seed))
