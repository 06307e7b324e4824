# SPDX-License-Identifier: Apache-2.0
"""A small folder of meshes and settings that build it in no time."""

from pathlib import Path

import numpy as np
import pytest
import trimesh
from small_builds import SMALL

from svr3d.preparation.settings import BuildSettings


@pytest.fixture
def small_settings() -> BuildSettings:
    return BuildSettings(**SMALL)


@pytest.fixture
def mesh_folder(tmp_path) -> Path:
    """Six boxes and six cones of different shapes and formats."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "meshes"
    for category in ("box", "cone"):
        (folder / category).mkdir(parents=True)
        for index in range(6):
            size = rng.uniform(0.3, 2, 3)
            if category == "box":
                shape = trimesh.creation.box(size)
            else:
                shape = trimesh.creation.cone(size[0], size[1], sections=12)
            shape.apply_translation(rng.uniform(-5, 5, 3))
            suffix = ("glb", "obj", "off", "ply", "stl", "glb")[index]
            shape.export(folder / category / f"{category}{index}.{suffix}")
    return folder
