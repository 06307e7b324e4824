# SPDX-License-Identifier: Apache-2.0
"""Times rasterisation and colour rendering against the torch twin and ray casting.

Example: python tests/benchmarks/bench_rasterize.py --threads 1 --json rasterize.json
"""

import importlib.util

import numpy as np
from harness import alternate, finish, meshes, parse
from shapes import orbit

from svr3d.io.mesh_data import MeshData
from svr3d.ops import rasterize_meshes
from svr3d.ops._torch.rasterize_meshes import rasterize_meshes_torch
from svr3d.renderers import ColorRenderer

VIEWS = 24
SIZE = 137
TWIN_FACES = 5000  # the twin takes minutes beyond this
ALLOWED = 2e-3  # share of pixels on edges that two faces share


def raster_peers(vertices, faces, cameras, size: int, threads: int) -> dict:
    """Peers that return the face index (V, H, W) of each view, -1 where there is none.

    Each builds what it needs of the mesh within the call; rays are made before.
    """
    v32 = vertices.float()

    def ours():
        return rasterize_meshes(v32, faces, *cameras, height=size, width=size)[0]

    def twin():
        one = (camera[:1] for camera in cameras)
        return rasterize_meshes_torch(
            vertices, faces, *one, size, size, 1e-3, float("inf"), False
        )[0]

    peers = {"svr3d": ours}
    if len(faces) <= TWIN_FACES and size <= SIZE:
        peers["torch twin, 1 view"] = twin
    if importlib.util.find_spec("open3d"):
        import open3d

        bottom = np.array([[0, 0, 0, 1.0]])
        rays = [
            open3d.t.geometry.RaycastingScene.create_rays_pinhole(
                k.numpy(), np.concatenate([e.numpy(), bottom]), size, size
            ).numpy()
            for e, k in zip(*cameras, strict=True)
        ]
        rays = open3d.core.Tensor(np.stack(rays))
        arrays = v32.numpy(), faces.numpy().astype(np.uint32)

        def cast():
            scene = open3d.t.geometry.RaycastingScene(nthreads=threads)
            scene.add_triangles(*arrays)
            found = scene.cast_rays(rays, nthreads=threads)["primitive_ids"].numpy()
            return found.astype(np.int64)

        peers["open3d, build and cast"] = cast
    else:
        print("open3d: not installed")
    return peers


def check_agreement(case: str, peers: dict) -> None:
    """Raises RuntimeError unless peers see the same faces but along shared edges."""
    ours = np.asarray(peers["svr3d"]())
    if "open3d, build and cast" in peers:
        theirs = peers["open3d, build and cast"]()
        theirs = np.where(theirs == 2**32 - 1, -1, theirs)
        share = (ours != theirs).mean()
        if share > ALLOWED:
            raise RuntimeError(f"{case}: {share:.2%} of the pixels see another face")


def color_peers(mesh: MeshData, cameras) -> dict:
    def peer(samples: int):
        renderer = ColorRenderer(SIZE, SIZE, supersample=samples)
        return lambda: renderer.render(mesh, *cameras)

    return {f"svr3d colour {samples}x{samples}": peer(samples) for samples in (4, 3)}


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark."""
    arguments = parse(argv, __doc__.splitlines()[0])
    rows: list[dict] = []
    threads = arguments.threads
    for name, (vertices, faces) in meshes(arguments.mesh).items():
        for size in (SIZE, 512):
            cameras = orbit(VIEWS, size, size)
            case = f"{name} {VIEWS} x {size}^2"
            peers = raster_peers(vertices, faces, cameras, size, threads)
            check_agreement(case, peers)
            alternate(case, peers, arguments.repeat, rows, threads=threads)
        cameras = orbit(VIEWS, SIZE, SIZE)
        peers = color_peers(MeshData(vertices.numpy(), faces.numpy()), cameras)
        case = f"{name} {VIEWS} x {SIZE}^2 RGBA"
        alternate(case, peers, arguments.repeat, rows, threads=threads)
    return finish(arguments, rows)


if __name__ == "__main__":
    raise SystemExit(main())
