# SPDX-License-Identifier: Apache-2.0
"""The file that says how a data set was made."""

import platform

from svr3d.preparation.settings import BuildSettings

INSIDE_RULE = (
    "Faces are split into parts that share edges, after equal positions are merged; "
    "each part is wound consistently and turned outward (positive signed volume). A "
    "point is inside if the generalised winding number of any part, or of all parts "
    "together, exceeds 0.5."
)
VOXEL_RULES = {
    "solid": "Cells whose centre is inside or that touch a triangle.",
    "visibility": "Of the mesh shrunk by one cell, those that the published rule of "
    "the neural mesh renderer fills and those whose centre is inside.",
}


def manifest(
    settings: BuildSettings, records: dict[str, dict], failures: dict[str, str]
) -> dict:
    """Return the manifest as JSON can hold it.

    Args:
        settings: Settings of the build.
        records: Source, hash and counts by ``<category>/<model>``.
        failures: Reason by file of each mesh that gave no object.
    """
    import numpy
    import torch
    import trimesh

    import svr3d

    return {
        "format": 1,
        "settings": settings.to_dict(),
        "inside_rule": INSIDE_RULE,
        "voxel_rule": VOXEL_RULES[settings.build_layout().voxel_rule],
        "object_frame": "right-handed, y up, bounding box centred, longest side 1",
        "versions": {
            "svr3d": svr3d.__version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": numpy.__version__,
            "trimesh": trimesh.__version__,
        },
        "num_objects": len(records),
        "failures": [
            {"source": path, "reason": reason}
            for path, reason in sorted(failures.items())
        ],
        "objects": records,
    }
