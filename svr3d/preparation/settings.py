# SPDX-License-Identifier: Apache-2.0
"""Everything that decides what a built data set contains."""

from dataclasses import asdict, dataclass

from svr3d.errors import ConfigError
from svr3d.preparation.layouts import LAYOUTS, Layout
from svr3d.preparation.object_frame import UP_AXES
from svr3d.preparation.part_labels import PART_RULES

WATERTIGHT_RULES = ("never", "open", "always")


@dataclass(frozen=True)
class BuildSettings:
    """Settings of a build; two builds with equal settings give equal files.

    Attributes:
        layout: Name of the published folder layout.
        views: Rendered images per object.
        resolution: Height and width of the images in pixels.
        supersample: Samples per pixel and axis for anti-aliasing.
        voxel_resolution: Cells along each side of the voxel grid.
        num_points: Occupancy query points per object.
        num_surface_points: Surface points per object.
        hidden_surface: Let surface points lie on hidden faces, too; normals are then
            those of the faces.
        padding: How much longer than the unit cube the sides of the cube are in
            which query points lie.
        uniform_ratio: Share of the query points that is uniform in that cube; the
            others lie near the surface.
        sigma: Standard deviation of their distance along each axis.
        float16: Store points and normals as float16, else float32.
        packbits: Store labels eight to a byte, else one each.
        watertight: Which meshes become watertight before points are drawn: ``never``
            any, ``open`` ones, or ``always`` all. Images and voxels keep the mesh.
        watertight_resolution: Cells along each side of the volume that this takes.
        seed: Seed of cameras, points and splits.
        split: Shares of train, val and test.
        up: Axis of the mesh files that points up, ``y`` or ``z``.
        variants: Deformed copies of each training object to add to the training
            split.
        yaw_ranges: Limits of the yaw in degrees; for each, one more image of each
            object with its yaw inside of them. For the layout ``atlasnet``.
        limited_resolution: Height and width of these images in pixels.
        parts: Whether images have maps of parts beside them, and what a part is:
            ``none``, ``components`` or ``materials``. For the layout ``drc``.
    """

    layout: str = "r2n2"
    views: int = 24
    resolution: int = 137
    supersample: int = 4
    voxel_resolution: int = 32
    num_points: int = 100_000
    num_surface_points: int = 100_000
    hidden_surface: bool = False
    padding: float = 0.1
    uniform_ratio: float = 1.0
    sigma: float = 0.01
    float16: bool = True
    packbits: bool = True
    watertight: str = "never"
    watertight_resolution: int = 256
    seed: int = 0
    split: tuple[float, float, float] = (0.7, 0.1, 0.2)
    up: str = "y"
    variants: int = 0
    yaw_ranges: tuple[int, ...] = ()
    limited_resolution: int = 224
    parts: str = "none"

    def __post_init__(self):
        if self.layout not in LAYOUTS:
            raise ConfigError(
                f"layout: expected one of {', '.join(LAYOUTS)}, found {self.layout!r}"
            )
        if self.up not in UP_AXES:
            raise ConfigError(
                f"up: expected one of {', '.join(UP_AXES)}, found {self.up!r}"
            )
        if self.watertight not in WATERTIGHT_RULES:
            raise ConfigError(
                f"watertight: expected one of {', '.join(WATERTIGHT_RULES)}, found "
                f"{self.watertight!r}"
            )
        for name, low, high in (
            ("views", 1, 1000),
            ("resolution", 8, 4096),
            ("supersample", 1, 8),
            ("voxel_resolution", 4, 512),
            ("num_points", 1, 10_000_000),
            ("num_surface_points", 1, 10_000_000),
            ("variants", 0, 1000),
            ("padding", 0, 10),
            ("uniform_ratio", 0, 1),
            ("sigma", 0, 1),
            ("watertight_resolution", 16, 512),
            ("limited_resolution", 8, 4096),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise ConfigError(f"{name}: expected {low} to {high}, found {value}")
        self._check_atlasnet()
        if self.parts not in PART_RULES:
            raise ConfigError(
                f"parts: expected one of {', '.join(PART_RULES)}, found {self.parts!r}"
            )
        if self.parts != "none" and self.layout != "drc":
            raise ConfigError(
                f"parts: expected none, or the layout drc, found {self.layout!r}"
            )
        if min(self.split) < 0 or abs(sum(self.split) - 1) > 1e-6:
            raise ConfigError(
                "split: expected three shares that sum to 1, "
                f"found {' '.join(map(str, self.split))}"
            )

    def _check_atlasnet(self) -> None:
        """Check what only one layout has, or cannot have."""
        for yaw in self.yaw_ranges:
            if not 0 <= yaw <= 180:
                raise ConfigError(f"yaw_ranges: expected 0 to 180, found {yaw}")
        if self.yaw_ranges and self.layout != "atlasnet":
            raise ConfigError(
                f"yaw_ranges: expected the layout atlasnet, found {self.layout!r}"
            )
        if self.variants and self.layout == "atlasnet":
            raise ConfigError(
                "variants: expected 0 with the layout atlasnet, which has no training "
                f"lists, found {self.variants}"
            )

    def build_layout(self) -> Layout:
        """Return the layout that these settings name."""
        return LAYOUTS[self.layout](
            voxel_resolution=self.voxel_resolution,
            float16=self.float16,
            packbits=self.packbits,
            yaw_ranges=self.yaw_ranges,
        )

    def to_dict(self) -> dict:
        """Return the settings as JSON can hold them."""
        lists = {"split": list(self.split), "yaw_ranges": list(self.yaw_ranges)}
        return {**asdict(self), **lists}
