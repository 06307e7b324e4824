# SPDX-License-Identifier: Apache-2.0
"""Reading and writing of binvox files (run-length encoded voxel grids)."""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np

from svr3d.errors import DataError

_MAX_RUN = 255
_MAX_CELLS = 1 << 31


@dataclass(frozen=True)
class BinvoxData:
    """The content of one binvox file.

    The centre of cell (i, j, k) of a cube of side R lies at
    ``scale * (([i, j, k] + 0.5) / R) + translate`` in the mesh's own frame.

    Attributes:
        voxels: Occupancy (X, Y, Z) uint8 of 0 and 1, index order ``[x, y, z]``.
        translate: Mesh coordinates of the grid's lower corner.
        scale: Side of the grid's cube in mesh units.
    """

    voxels: np.ndarray
    translate: tuple[float, float, float] = (0.0, 0.0, 0.0)
    scale: float = 1.0


def read_binvox(path: str | PathLike) -> BinvoxData:
    """Read a binvox file.

    Args:
        path: The file.

    Returns:
        The grid with its placement in the mesh frame.

    Raises:
        DataError: If the file cannot be read, or its header, values, run lengths or
            number of cells are not those of a binvox file.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    return decode_binvox(content, source=str(path))


def decode_binvox(content: bytes, *, source: str = "binvox data") -> BinvoxData:
    """Decode the bytes of a binvox file.

    The cells are stored with x slowest, then z, y fastest, and the header's ``dim``
    gives the sizes in that order (Nooruddin and Turk's program by P. Min; same reading
    as hzxie/Pix2Vox ``utils/binvox_rw.py``).

    Args:
        content: The whole file.
        source: What error messages call the file.

    Returns:
        The grid with its placement in the mesh frame.

    Raises:
        DataError: If the content is not a complete binvox file.
    """
    dims, translate, scale, start = _parse_header(content, source)
    total = dims[0] * dims[1] * dims[2]
    pairs = np.frombuffer(content, np.uint8, offset=start)
    if pairs.size % 2:
        raise DataError(
            f"{source}: expected pairs of (value, count) after the header, "
            f"found an odd number of bytes ({pairs.size})"
        )
    values, counts = pairs[0::2], pairs[1::2]
    if values.size and values.max() > 1:
        raise DataError(
            f"{source}: expected voxel values 0 and 1, found {int(values.max())}"
        )
    if counts.size and counts.min() == 0:
        raise DataError(f"{source}: expected run lengths of 1 to 255, found 0")
    found = int(counts.sum(dtype=np.int64))
    if found != total:
        raise DataError(
            f"{source}: expected runs over {total} voxels "
            f"({dims[0]} x {dims[1]} x {dims[2]}), found {found}"
        )
    stored = np.repeat(values, counts).reshape(dims)
    return BinvoxData(np.ascontiguousarray(stored.transpose(0, 2, 1)), translate, scale)


def write_binvox(
    path: str | PathLike,
    voxels: np.ndarray,
    *,
    translate: tuple[float, float, float] = (0, 0, 0),
    scale: float = 1.0,
) -> None:
    """Write a binvox file.

    Args:
        path: The file; its folder must exist.
        voxels: Occupancy (X, Y, Z), boolean or of 0 and 1, index order ``[x, y, z]``.
        translate: Mesh coordinates of the grid's lower corner.
        scale: Side of the grid's cube in mesh units.

    Raises:
        DataError: If the voxels are not a 3-D grid of 0 and 1, or the placement is not
            finite.
    """
    content = encode_binvox(
        voxels, translate=translate, scale=scale, source=f"voxels for {path}"
    )
    Path(path).write_bytes(content)


def encode_binvox(
    voxels: np.ndarray,
    *,
    translate: tuple[float, float, float] = (0, 0, 0),
    scale: float = 1.0,
    source: str = "voxels",
) -> bytes:
    """Encode a grid as the bytes of a binvox file.

    Args:
        voxels: Occupancy (X, Y, Z), boolean or of 0 and 1, index order ``[x, y, z]``.
        translate: Mesh coordinates of the grid's lower corner.
        scale: Side of the grid's cube in mesh units.
        source: What error messages call the grid.

    Returns:
        The whole file: ASCII header and (value, run length) pairs of bytes.

    Raises:
        DataError: If the voxels are not a 3-D grid of 0 and 1, or the placement is not
            finite.
    """
    voxels = np.asarray(voxels)
    if voxels.ndim != 3 or 0 in voxels.shape:
        raise DataError(f"{source}: expected a grid (X, Y, Z), found {voxels.shape}")
    bits = voxels.astype(np.uint8)
    if voxels.dtype != np.bool_ and not (
        np.array_equal(bits, voxels) and bits.max() <= 1
    ):
        raise DataError(f"{source}: expected only 0 and 1, found other values")
    placement = [float(value) for value in (*translate, scale)]
    if len(placement) != 4 or not np.isfinite(placement).all() or placement[3] <= 0:
        raise DataError(
            f"{source}: expected three finite numbers to translate and a positive "
            f"scale, found {tuple(translate)} and {scale}"
        )
    stored = bits.transpose(0, 2, 1)
    dims = " ".join(map(str, stored.shape))
    moved = " ".join(map(str, placement[:3]))
    header = (
        f"#binvox 1\ndim {dims}\ntranslate {moved}\nscale {placement[3]}\ndata\n"
    ).encode("ascii")
    return header + _run_lengths(stored.reshape(-1)).tobytes()


def _run_lengths(cells: np.ndarray) -> np.ndarray:
    """Return the (value, count) byte pairs (n, 2) of a flat array of cells."""
    starts = np.concatenate(([0], np.flatnonzero(np.diff(cells)) + 1))
    lengths = np.diff(starts, append=cells.size)
    # A run of n cells takes ceil(n / 255) pairs; all but its last hold 255.
    pieces = -(-lengths // _MAX_RUN)
    pairs = np.full((int(pieces.sum()), 2), _MAX_RUN, np.uint8)
    pairs[:, 0] = np.repeat(cells[starts], pieces)
    pairs[np.cumsum(pieces) - 1, 1] = lengths - (pieces - 1) * _MAX_RUN
    return pairs


def _parse_header(content, source):
    """Return dims, translate, scale and the offset of the first run."""
    numbers = {"dim": 3, "translate": 3, "scale": 1}
    fields = {}
    position = 0
    for row in range(len(numbers) + 2):
        end = content.find(b"\n", position, position + 1000)
        if end < 0:
            raise DataError(f"{source}: expected a line 'data', found none")
        line = content[position:end].decode("latin-1").strip()
        position = end + 1
        words = line.split()
        key = words[0] if words else ""
        if row == 0:
            if words != ["#binvox", "1"]:
                raise DataError(
                    f"{source}: expected the first line '#binvox 1', "
                    f"found {line[:40]!r}"
                )
        elif key == "data" and len(words) == 1:
            break
        elif key not in numbers or key in fields:
            raise DataError(
                f"{source}: expected one line each of dim, translate, scale, then "
                f"data, found {line[:40]!r}"
            )
        else:
            fields[key] = _parse_numbers(line, numbers[key], source)
    missing = [key for key in numbers if key not in fields]
    if missing:
        raise DataError(f"{source}: expected a header line {missing[0]!r}, found none")
    dims, (scale,) = fields["dim"], fields["scale"]
    if any(side != int(side) or side < 1 for side in dims) or np.prod(dims) > (
        _MAX_CELLS
    ):
        raise DataError(
            f"{source}: expected three positive whole dimensions of at most "
            f"{_MAX_CELLS} voxels in all, found {dims}"
        )
    if scale <= 0:
        raise DataError(f"{source}: expected a positive scale, found {scale}")
    return tuple(int(side) for side in dims), fields["translate"], scale, position


def _parse_numbers(line, count, source):
    """Return the finite numbers after a header line's key."""
    try:
        values = tuple(float(word) for word in line.split()[1:])
    except ValueError:
        values = ()
    if len(values) != count or not np.isfinite(values).all():
        raise DataError(
            f"{source}: expected {count} finite number(s) after the key, "
            f"found {line[:60]!r}"
        )
    return values
