# SPDX-License-Identifier: Apache-2.0
"""Measure how far apart a method's codes of different views are."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

from svr3d.cli.code_source import (
    add_code_arguments,
    check_code_arguments,
    output_folder,
    read_codes,
)

_EPILOG = """examples:
  svr3d mmd work_dirs/first/last.pth
  svr3d mmd work_dirs/first/last.pth --split val --num-views 24 --azimuth-bins 8
mmd.json and mmd.png, a map of all pairs of views, are written. Values compare between
methods at one number of codes for each view. The last line printed is the path of the
result."""


def _parser() -> argparse.ArgumentParser:
    from svr3d.analysis.view_domains import PUBLISHED_COUNT

    parser = argparse.ArgumentParser(
        description="Measure how far apart a method's codes of different views are: "
        "the maximum mean discrepancy, averaged over pairs of views.",
        usage="%(prog)s [CONFIG] CHECKPOINT [options]",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_code_arguments(parser)
    parser.add_argument(
        "--azimuth-bins",
        type=int,
        metavar="BINS",
        help="compare bins of azimuths (default: the classes or numbers of the views)",
    )
    parser.add_argument(
        "--most",
        type=int,
        default=PUBLISHED_COUNT,
        help="codes of each view that count, the first (default: %(default)s, as "
        "published)",
    )
    parser.add_argument(
        "--highest",
        type=float,
        metavar="VALUE",
        help="value of the map's brightest colour, for maps that are to be compared "
        "(default: the largest there is)",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Measure one model on one split.

    Args:
        argv: Arguments; those of the process if None.

    Returns:
        0.

    Raises:
        SVR3DError: If config, data or checkpoint are wrong, the method has no code, or
            the views are unknown.
    """
    parser = _parser()
    args = parser.parse_intermixed_args(argv)
    check_code_arguments(parser, args)
    for name in ("azimuth_bins", "most"):
        value = getattr(args, name)
        if value is not None and value < 2:
            option = name.replace("_", "-")
            parser.error(f"--{option}: expected at least 2, found {value}")
    if args.highest is not None and args.highest <= 0:
        parser.error(f"--highest: expected more than 0, found {args.highest:g}")

    from svr3d.analysis.view_domains import measure_domains
    from svr3d.visualization.code_figures import draw_domain_distances

    out = output_folder(args, "mmd")
    table = read_codes(args, out)
    found = measure_domains(
        table,
        azimuth_bins=args.azimuth_bins,
        most=args.most,
        device=args.device,
        progress=True,
    )
    result = {
        "mmd": found.mean,
        "mmd_of_random_domains": found.chance,
        "pairs": len(found.labels) * (len(found.labels) - 1) // 2,
        "protocol": {
            **table.facts,
            "code_length": table.codes.shape[1],
            "azimuth_bins": args.azimuth_bins,
            "most": args.most,
        },
        "domains": found.labels,
        "codes_of_each_domain": found.counts,
        "matrix": found.matrix.tolist(),
    }
    draw_domain_distances(
        found.matrix,
        found.labels,
        out / "mmd.png",
        title=f"{table.facts['checkpoint']}: mean {found.mean:.4g}, "
        f"by lot {found.chance:.4g}",
        highest=args.highest,
    )
    counts = sorted({min(found.counts), max(found.counts)})
    print(
        f"MMD {found.mean:.6g} over {result['pairs']} pairs of {len(found.labels)} "
        f"domains of {' to '.join(map(str, counts))} codes; of domains drawn by lot "
        f"{found.chance:.6g}"
    )
    path = out / "mmd.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
    print(path)
    return 0


if __name__ == "__main__":
    from svr3d.cli.main import run

    run(main)
