# SPDX-License-Identifier: Apache-2.0
"""What a folder layout must be able to do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from svr3d.io.splits import CategorySplit

if TYPE_CHECKING:  # the data know their settings, and those the layouts
    from svr3d.preparation.object_data import ObjectData


class Layout(ABC):
    """Where the files of an object and of the whole data set lie.

    A layout lists the folders and files that belong to one object. The builder makes
    them in a temporary place and moves them to ``root`` once all are complete.

    Attributes:
        name: Name of the layout on the command line.
        resolution: Side of its images in pixels, where nothing else is asked for.
        voxel_resolution: Side of the voxel grids, which some layouts put into names.
        float16: Whether points and normals are stored as float16, else float32.
        packbits: Whether labels are stored eight to a byte, else one each.
        yaw_ranges: Limits of the yaw in degrees for which there is a set of images.
        wants_solids: Whether objects have voxels and occupancy points.
        voxel_rule: Which cells of the grid are occupied: ``solid`` as the manifest
            says, or ``visibility``, see :mod:`svr3d.preparation.solid_grids`.
        wants_points: Whether objects with solids have occupancy points, too.
        wants_colored_cloud: Whether objects have a cloud of few points with colours.
        cameras: Whose cameras see the object, ``choy`` (3D-R2N2), ``drc`` or ``nmr``.
    """

    name: str
    resolution: int = 137
    wants_solids: bool = True
    voxel_rule: str = "solid"
    wants_points: bool = True
    wants_colored_cloud: bool = False
    cameras: str = "choy"

    def __init__(
        self,
        *,
        voxel_resolution: int = 32,
        float16: bool = True,
        packbits: bool = True,
        yaw_ranges: Sequence[int] = (),
    ):
        self.voxel_resolution = voxel_resolution
        self.float16 = float16
        self.packbits = packbits
        self.yaw_ranges = tuple(yaw_ranges)

    @abstractmethod
    def object_paths(self, category: str, model: str) -> list[Path]:
        """Return folders and files of one object, relative to the data set's root."""

    @abstractmethod
    def write_object(
        self, root: Path, category: str, model: str, data: ObjectData
    ) -> None:
        """Write all files of one object below ``root``."""

    @abstractmethod
    def split_files(self, root: Path, *, suffix: str = "") -> list[Path]:
        """Return where the split lists lie.

        Args:
            root: Folder of the data set.
            suffix: Added to the names of the files, before their extension.
        """

    @abstractmethod
    def write_splits(
        self, root: Path, splits: list[CategorySplit], *, suffix: str = ""
    ) -> None:
        """Write the split lists to ``split_files``.

        Args:
            root: Folder of the data set.
            splits: One entry per category.
            suffix: As of ``split_files``.
        """

    def is_complete(self, root: Path, category: str, model: str) -> bool:
        """Tell whether all folders and files of an object are in place."""
        paths = self.object_paths(category, model)
        return all((root / path).exists() for path in paths)
