# SPDX-License-Identifier: Apache-2.0
"""Convert published weights of Occupancy Networks."""

from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Convert published weights of Occupancy Networks.

    Args:
        argv: Arguments; those of the process if None.

    Returns:
        0.

    Raises:
        SVR3DError: If the file, the config or the place to write are wrong.
    """
    from svr3d.cli.weight_conversion import convert_weights
    from svr3d.converters.formats import OCCNET_FORMATS

    return convert_weights(
        argv,
        method="Occupancy Networks",
        formats=OCCNET_FORMATS,
        example="svr3d convert-occnet onet_img2mesh_3-f786b04a.pt onet.pth "
        "--format official",
    )


if __name__ == "__main__":
    from svr3d.cli.main import run

    run(main)
