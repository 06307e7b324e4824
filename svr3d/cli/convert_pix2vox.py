# SPDX-License-Identifier: Apache-2.0
"""Convert published weights of Pix2Vox."""

from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Convert published weights of Pix2Vox.

    Args:
        argv: Arguments; those of the process if None.

    Returns:
        0.

    Raises:
        SVR3DError: If the file, the config or the place to write are wrong.
    """
    from svr3d.cli.weight_conversion import convert_weights
    from svr3d.converters.formats import PIX2VOX_FORMATS

    return convert_weights(
        argv,
        method="Pix2Vox",
        formats=PIX2VOX_FORMATS,
        example="svr3d convert-pix2vox Pix2Vox-A-ShapeNet.pth pix2vox_a.pth --format a",
    )


if __name__ == "__main__":
    from svr3d.cli.main import run

    run(main)
