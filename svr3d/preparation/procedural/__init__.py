# SPDX-License-Identifier: Apache-2.0
"""Seeded meshes of everyday objects, so that everything runs with no download."""

from collections.abc import Callable

from svr3d.io.meshes import MeshData
from svr3d.preparation.procedural.bed import make_bed
from svr3d.preparation.procedural.bench import make_bench
from svr3d.preparation.procedural.boat import make_boat
from svr3d.preparation.procedural.cabinet import make_cabinet
from svr3d.preparation.procedural.car import make_car
from svr3d.preparation.procedural.chair import make_chair
from svr3d.preparation.procedural.draws import Draws
from svr3d.preparation.procedural.lamp import make_lamp
from svr3d.preparation.procedural.plane import make_plane
from svr3d.preparation.procedural.sofa import make_sofa
from svr3d.preparation.procedural.table import make_table
from svr3d.preparation.seeding import stable_rng

CATEGORIES: dict[str, Callable[[Draws], MeshData]] = {
    "bed": make_bed,
    "bench": make_bench,
    "boat": make_boat,
    "cabinet": make_cabinet,
    "car": make_car,
    "chair": make_chair,
    "lamp": make_lamp,
    "plane": make_plane,
    "sofa": make_sofa,
    "table": make_table,
}


def make_object(category: str, index: int, *, seed: int = 0) -> MeshData:
    """Return one object of the embedded set.

    Args:
        category: A key of `CATEGORIES`.
        index: Number of the object within its category.
        seed: Seed of the whole set; each object has draws of its own, so that its
            shape does not depend on how many others are made.
    """
    rng = stable_rng(seed, "procedural", category, index)
    return CATEGORIES[category](Draws(rng))
