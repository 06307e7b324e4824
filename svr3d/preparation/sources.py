# SPDX-License-Identifier: Apache-2.0
"""Find the meshes of a folder ``<category>/<name>.<suffix>``."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from svr3d.errors import DataError
from svr3d.io.meshes import MESH_SUFFIXES


@dataclass(frozen=True)
class MeshSource:
    """One mesh file and the names that its object gets.

    Attributes:
        path: The file.
        category: Name of its folder.
        model: Name of the file without suffix; variants have a number behind it.
        variant: 0 for the mesh as it is, else the number of a deformed copy.
    """

    path: Path
    category: str
    model: str
    variant: int = 0

    @property
    def sample_id(self) -> str:
        """``<category>/<model>``."""
        return f"{self.category}/{self.model}"

    def sha256(self) -> str:
        """Hash of the file's bytes, in hexadecimal."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    def as_variant(self, number: int) -> "MeshSource":
        """Return the deformed copy ``<model>-variant<number>`` of this mesh."""
        return replace(self, model=f"{self.model}-variant{number}", variant=number)


def find_sources(folder: str | Path) -> tuple[list[MeshSource], dict[str, str]]:
    """List mesh files, sorted by category and name.

    Args:
        folder: Folder with one folder of mesh files per category.

    Returns:
        The sources, and reasons by path for files whose name another file has taken
        (``a.obj`` beside ``a.glb``).

    Raises:
        DataError: The folder is missing or holds no ``<category>/<name>`` meshes.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f"{folder}: expected a folder of meshes, found no folder")
    sources: dict[str, MeshSource] = {}
    duplicates: dict[str, str] = {}
    for path in sorted(folder.glob("*/*")):
        if path.suffix.lower() not in MESH_SUFFIXES or path.name.startswith("."):
            continue
        if not path.is_file():
            continue
        source = MeshSource(path, path.parent.name, path.stem)
        if source.sample_id in sources:
            taken = sources[source.sample_id].path.name
            duplicates[str(path)] = (
                f"{path}: expected one mesh per name, found {taken} with the same name"
            )
            continue
        sources[source.sample_id] = source
    if not sources:
        loose = sum(p.suffix.lower() in MESH_SUFFIXES for p in folder.iterdir())
        raise DataError(
            f"{folder}: expected meshes as <category>/<name> with a suffix among "
            f"{' '.join(MESH_SUFFIXES)}, found none"
            + (f" ({loose} lie outside of a category's folder)" if loose else "")
        )
    return list(sources.values()), duplicates
