# SPDX-License-Identifier: Apache-2.0
"""What tests of the builder share beside fixtures; the name is theirs alone."""

from pathlib import Path

SMALL = {
    "views": 3,
    "resolution": 48,
    "supersample": 2,
    "num_points": 2000,
    "num_surface_points": 1000,
}


def tree(root: Path) -> dict[str, bytes]:
    """All files of a data set that are not the journal or the manifest."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
        and ".build" not in path.parts
        and "meshes" not in path.relative_to(root).parts
        and path.name != "manifest.json"
    }
