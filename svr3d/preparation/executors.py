# SPDX-License-Identifier: Apache-2.0
"""Ways to run jobs: here, in worker processes, or on a Ray cluster."""

import itertools
import multiprocessing
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool

from svr3d.errors import ConfigError
from svr3d.preparation.object_job import JobOutcome, ObjectJob, run_job

EXECUTORS = ("process", "ray")
_RAY_CHUNK = 4


def run_jobs(
    jobs: Iterable[ObjectJob], *, workers: int, executor: str = "process"
) -> Iterator[JobOutcome]:
    """Run jobs and yield their outcomes as they end.

    Args:
        jobs: The jobs.
        workers: Processes with one thread each; 0 runs the jobs in this one. Ray
            decides by itself how many run at once.
        executor: ``process`` or ``ray``.

    Raises:
        ConfigError: Ray is wanted and not installed, or the name is unknown.
    """
    if executor == "ray":
        return _run_with_ray(jobs)
    if executor != "process":
        raise ConfigError(
            f"executor: expected one of {', '.join(EXECUTORS)}, found {executor!r}"
        )
    if workers == 0:
        return map(run_job, jobs)
    return _run_with_processes(jobs, workers)


def prepare_worker() -> None:
    """Use one thread, and leave Ctrl-C to the parent process."""
    import signal

    import cv2
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def _run_with_processes(
    jobs: Iterable[ObjectJob], workers: int
) -> Iterator[JobOutcome]:
    """Keep few jobs in flight, so that a dead worker leaves few suspects."""
    waiting = iter(jobs)
    while True:
        first = next(waiting, None)
        if first is None:
            return
        suspects = yield from _run_until_death(
            itertools.chain([first], waiting), workers
        )
        for job in suspects:  # alone, the one that kills its worker gives itself away
            died = yield from _run_until_death(iter([job]), 1)
            if died:
                reason = f"{job.source.path}: the worker process died on this file"
                yield JobOutcome(job.source, reason=reason)


def _run_until_death(jobs: Iterator[ObjectJob], workers: int):
    """Yield outcomes; return the jobs in flight when a worker died, else none."""
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, prepare_worker)
    running = {}
    try:
        for job in itertools.islice(jobs, 2 * workers):
            running[pool.submit(run_job, job)] = job
        while running:
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                outcome = future.result()
                del running[future]
                following = next(jobs, None)
                if following is not None:
                    running[pool.submit(run_job, following)] = following
                yield outcome
    except BrokenProcessPool:
        return list(running.values())
    finally:
        processes = list((getattr(pool, "_processes", None) or {}).values())
        pool.shutdown(wait=not running, cancel_futures=True)
        if running:  # stopped early: what workers hold is half-made anyway
            for process in processes:
                process.terminate()
    return []


def _run_with_ray(jobs: Iterable[ObjectJob]) -> Iterator[JobOutcome]:
    """Spread chunks of jobs over a Ray cluster that shares the file system."""
    try:
        import ray
    except ImportError as error:
        raise ConfigError(
            "executor: 'ray' needs the package ray, which is not installed; "
            "install svr3d[ray] or use the executor 'process'"
        ) from error
    return _ray_outcomes(jobs, ray)


def _ray_outcomes(jobs: Iterable[ObjectJob], ray) -> Iterator[JobOutcome]:
    started_here = not ray.is_initialized()
    if started_here:
        ray.init(address=None, log_to_driver=False, include_dashboard=False)

    @ray.remote(num_cpus=1, max_retries=1)
    def run_chunk(chunk):
        import cv2
        import torch

        torch.set_num_threads(1)
        cv2.setNumThreads(1)
        return [run_job(job) for job in chunk]

    try:
        waiting, chunks = iter(jobs), {}
        while chunk := list(itertools.islice(waiting, _RAY_CHUNK)):
            chunks[run_chunk.remote(chunk)] = chunk
        while chunks:
            (ready,), _ = ray.wait(list(chunks), num_returns=1)
            chunk = chunks.pop(ready)
            try:
                yield from ray.get(ready)
            except ray.exceptions.RayError as error:
                if len(chunk) > 1:  # find the file to blame
                    for job in chunk:
                        chunks[run_chunk.remote([job])] = [job]
                    continue
                reason = f"{chunk[0].source.path}: {type(error).__name__}: {error}"
                yield JobOutcome(chunk[0].source, reason=reason)
    finally:
        if started_here:
            ray.shutdown()
