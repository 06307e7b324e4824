# SPDX-License-Identifier: Apache-2.0
"""Convert published weights of AtlasNet."""

from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Convert published weights of AtlasNet.

    Args:
        argv: Arguments; those of the process if None.

    Returns:
        0.

    Raises:
        SVR3DError: If the file, the config or the place to write are wrong.
    """
    from svr3d.cli.weight_conversion import convert_weights
    from svr3d.converters.formats import ATLASNET_FORMATS

    return convert_weights(
        argv,
        method="AtlasNet",
        formats=ATLASNET_FORMATS,
        example="svr3d convert-atlasnet network.pth atlasnet.pth",
    )


if __name__ == "__main__":
    from svr3d.cli.main import run

    run(main)
