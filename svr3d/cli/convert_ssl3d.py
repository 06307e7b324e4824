# SPDX-License-Identifier: Apache-2.0
"""Convert published weights of self-supervised point clouds."""

from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Convert published weights of self-supervised point clouds.

    Args:
        argv: Arguments; those of the process if None.

    Returns:
        0.

    Raises:
        SVR3DError: If the file, the config or the place to write are wrong.
    """
    from svr3d.cli.weight_conversion import convert_weights
    from svr3d.converters.formats import SSL3D_FORMATS

    return convert_weights(
        argv,
        method="self-supervised point clouds",
        formats=SSL3D_FORMATS,
        example="svr3d convert-ssl3d checkpoints/model-200000.index chair.pth",
    )


if __name__ == "__main__":
    from svr3d.cli.main import run

    run(main)
