# SPDX-License-Identifier: Apache-2.0
"""Colours of one mesh part, whatever kind of material its file uses."""

from dataclasses import dataclass

import numpy as np


@dataclass
class PartColors:
    """sRGB colours of one part; see `svr3d.io.meshes.MeshData` for the fields.

    Attributes:
        face: RGBA (F, 4) uint8, or None.
        vertex: RGBA (V, 4) uint8, or None.
        uv: Texture coordinates (F, 3, 2) float32, or None.
        texture: RGBA image (h, w, 4) uint8, or None.
    """

    face: np.ndarray | None = None
    vertex: np.ndarray | None = None
    uv: np.ndarray | None = None
    texture: np.ndarray | None = None


def srgb_from_linear(values: np.ndarray) -> np.ndarray:
    """Encode linear intensities in [0, 1] by the sRGB curve (IEC 61966-2-1)."""
    values = np.clip(values, 0.0, 1.0)
    return np.where(
        values <= 0.0031308, 12.92 * values, 1.055 * values ** (1 / 2.4) - 0.055
    )


def linear_from_srgb(values: np.ndarray) -> np.ndarray:
    """Decode sRGB values in [0, 1] to linear intensities."""
    return np.where(
        values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4
    )


def part_colors(visual: object, faces: np.ndarray, *, linear: bool) -> PartColors:
    """Read the colours out of a trimesh visual.

    Args:
        visual: ``ColorVisuals`` or ``TextureVisuals`` of the part.
        faces: Vertex indices (F, 3), to spread vertex texture coordinates.
        linear: Whether colour factors and vertex colours are linear (glTF);
            textures are sRGB in every format.
    """
    kind = visual.kind
    if kind == "face":
        return PartColors(face=_encode(_rgba(visual.face_colors), linear=linear))
    if kind == "vertex":
        return PartColors(vertex=_encode(_rgba(visual.vertex_colors), linear=linear))
    if kind != "texture":
        return PartColors()
    factor, texture = _material(visual.material)
    uv = visual.uv
    if texture is not None and uv is not None and np.isfinite(uv).all():
        uv = np.asarray(uv, dtype=np.float32)[faces][..., :2]
        return PartColors(uv=uv, texture=_tint(texture, factor, linear=linear))
    vertex = visual.vertex_attributes.get("color")
    if vertex is not None:
        colors = _rgba(vertex).astype(np.float32) * (factor / 255.0)
        return PartColors(vertex=_encode(colors, linear=linear))
    color = _encode(factor, linear=linear)
    return PartColors(face=np.repeat(color[None], len(faces), axis=0))


def _material(material: object) -> tuple[np.ndarray, np.ndarray | None]:
    """Base colour (4,) in [0, 255] and texture of a PBR or simple material."""
    if hasattr(material, "materials"):  # MultiMaterial: the first speaks for all
        material = material.materials[0] if material.materials else None
    if hasattr(material, "baseColorFactor"):
        factor, texture = material.baseColorFactor, material.baseColorTexture
        opaque = material.alphaMode in (None, "OPAQUE")
    else:
        factor = getattr(material, "diffuse", None)
        texture, opaque = getattr(material, "image", None), False
        if texture is not None:  # MTL files often leave Kd black or grey beside a map
            factor = None
    factor = np.full(4, 255.0) if factor is None else _rgba(factor).astype(np.float64)
    image = None if texture is None else np.array(texture.convert("RGBA"))
    if opaque:
        factor[3] = 255.0
        if image is not None:
            image[..., 3] = 255
    return factor, image


def _rgba(colors: np.ndarray) -> np.ndarray:
    """Bring colours (..., 3) or (..., 4), uint8 or floats in [0, 1], to uint8 RGBA."""
    colors = np.asarray(colors)
    if colors.dtype.kind == "f":
        colors = np.clip(colors * 255.0 + 0.5, 0, 255)
    elif colors.dtype == np.uint16:
        colors = colors >> 8
    colors = colors.astype(np.uint8)
    if colors.shape[-1] == 3:
        alpha = np.full((*colors.shape[:-1], 1), 255, dtype=np.uint8)
        colors = np.concatenate([colors, alpha], axis=-1)
    return colors


def _encode(colors: np.ndarray, *, linear: bool) -> np.ndarray:
    """Round RGBA in [0, 255] to uint8, through the sRGB curve if ``linear``."""
    colors = np.asarray(colors, dtype=np.float64)
    if linear:
        colors = colors.copy()
        colors[..., :3] = 255.0 * srgb_from_linear(colors[..., :3] / 255.0)
    return np.clip(colors + 0.5, 0, 255).astype(np.uint8)


def _tint(texture: np.ndarray, factor: np.ndarray, *, linear: bool) -> np.ndarray:
    """Multiply a texture by its material's colour factor (4,) in [0, 255]."""
    if (factor == 255.0).all():
        return texture
    tinted = texture / 255.0
    if linear:
        tinted[..., :3] = linear_from_srgb(tinted[..., :3])
    return _encode(tinted * factor, linear=linear)
