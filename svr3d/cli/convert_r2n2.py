# SPDX-License-Identifier: Apache-2.0
"""Convert published weights of 3D-R2N2."""

from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Convert published weights of 3D-R2N2.

    Args:
        argv: Arguments; those of the process if None.

    Returns:
        0.

    Raises:
        SVR3DError: If the file, the config or the place to write are wrong.
    """
    from svr3d.cli.weight_conversion import convert_weights
    from svr3d.converters.formats import R2N2_FORMATS

    return convert_weights(
        argv,
        method="3D-R2N2",
        formats=R2N2_FORMATS,
        example="svr3d convert-r2n2 res_gru_net.pdparams res3dgru.pth --format paddle",
    )


if __name__ == "__main__":
    from svr3d.cli.main import run

    run(main)
