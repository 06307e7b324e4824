# SPDX-License-Identifier: Apache-2.0
"""Arguments and course of the commands that convert published weights."""

import argparse
from collections.abc import Mapping, Sequence

from svr3d.converters.formats import PublishedFormat
from svr3d.engine.config import (
    add_config_arguments,
    import_custom_modules,
    load_config,
)

_EPILOG = """example:
  {example}
  svr3d test {out} --cfg-options data_root=data/shapenet

Files are read as data: a file whose content needs pickled code is refused, with the
reason. The checkpoint stores config, categories and protocol, so that test and
reconstruct need nothing else. The last line printed is its path."""


def convert_weights(
    argv: Sequence[str] | None,
    *,
    method: str,
    formats: Mapping[str, PublishedFormat],
    example: str,
) -> int:
    """Run a converter: parse arguments, convert, print the path.

    Args:
        argv: Arguments; those of the process if None.
        method: Name of the method, for the help text.
        formats: Formats that ``--format`` offers; the only one need not be given.
        example: A command line, IN and OUT as its third and fourth word.

    Returns:
        0.

    Raises:
        SVR3DError: If the file, the config or the place to write are wrong.
    """
    args = _parser(method, formats, example).parse_args(argv)
    from svr3d.engine.published_weights import convert_published_weights, fitting_config

    published = formats[args.format]
    given = {name: getattr(args, name) for name in published.files}
    files = {name: path for name, path in given.items() if path is not None}
    content = published.read(args.source, **files)
    config = args.config or published.config_for(content)
    if config.endswith("/"):
        config = fitting_config(config, content, published, source=args.source)
    cfg = load_config(config, args.cfg_options)
    import_custom_modules(cfg)
    model = convert_published_weights(
        content, args.out, published=published, cfg=cfg, source=args.source
    )
    numbers = sum(value.numel() for value in model.parameters())
    print(f"{numbers:,} parameters from {args.source} ({published.program})")
    print(args.out)
    return 0


def _parser(
    method: str, formats: Mapping[str, PublishedFormat], example: str
) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=f"Convert published weights of {method} into a checkpoint.",
        epilog=_EPILOG.format(example=example, out=example.split()[3]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", metavar="IN", help="file of the published program")
    parser.add_argument("out", metavar="OUT", help="checkpoint to write")
    only = next(iter(formats)) if len(formats) == 1 else None
    parser.add_argument(
        "--format",
        choices=formats,
        default=only,
        required=only is None,
        help="; ".join(f"{name}: {entry.program}" for name, entry in formats.items()),
    )
    for entry in formats.values():
        for name, text in entry.files.items():
            parser.add_argument(f"--{name}", metavar="FILE", help=text)
    parser.add_argument(
        "--config",
        help="config whose model takes the weights, path or shipped name (default: "
        "that of the network in the file)",
    )
    add_config_arguments(parser)
    return parser
