# SPDX-License-Identifier: Apache-2.0
"""Worker processes, Ray, and what happens when they die."""

import sys
from pathlib import Path

import pytest
from small_builds import tree

from svr3d.errors import ConfigError
from svr3d.preparation import executors
from svr3d.preparation.builder import build_dataset
from svr3d.preparation.executors import run_jobs
from svr3d.preparation.object_job import JobOutcome, ObjectJob
from svr3d.preparation.sources import MeshSource


class SuicidalJob(ObjectJob):
    """Ends the process that unpickles it."""

    def __reduce__(self):
        import os

        return os._exit, (9,)


def make_job(settings, root: Path, name: str, kind=ObjectJob) -> ObjectJob:
    path = root / "meshes" / "box" / f"{name}.off"
    return kind(MeshSource(path, "box", name), root, settings)


@pytest.mark.multiproc
def test_processes_make_the_same_files(mesh_folder, tmp_path, small_settings):
    build_dataset(mesh_folder, tmp_path / "one", settings=small_settings)
    report = build_dataset(
        mesh_folder, tmp_path / "two", settings=small_settings, workers=2
    )
    assert report.built == 12 and not report.failures
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


@pytest.mark.multiproc
def test_a_dead_worker_is_blamed_on_its_file(tmp_path, small_settings):
    jobs = [make_job(small_settings, tmp_path, f"missing{i}") for i in range(3)]
    jobs.insert(1, make_job(small_settings, tmp_path, "deadly", SuicidalJob))
    outcomes = {
        outcome.source.model: outcome.reason for outcome in run_jobs(jobs, workers=1)
    }
    assert outcomes.keys() == {"missing0", "missing1", "missing2", "deadly"}
    assert "the worker process died on this file" in outcomes["deadly"]
    for index in range(3):
        assert "died" not in outcomes[f"missing{index}"]


def test_any_error_becomes_a_reason(tmp_path, small_settings, monkeypatch):
    from svr3d.preparation import object_data

    def fail(*_, **__):
        raise RuntimeError("the kernel said no")

    monkeypatch.setattr(object_data, "prepare_object", fail)
    job = make_job(small_settings, tmp_path, "a")
    job.source.path.parent.mkdir(parents=True)
    job.source.path.write_text("OFF")
    (outcome,) = run_jobs([job], workers=0)
    assert outcome.record is None
    assert "a.off: RuntimeError: the kernel said no" in outcome.reason


def test_unknown_executor():
    with pytest.raises(ConfigError, match="executor: expected one of process, ray"):
        run_jobs([], workers=1, executor="dask")


def test_ray_is_an_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"not installed; install svr3d\[ray\]"):
        run_jobs([], workers=1, executor="ray")


class FakeRay:
    """Runs Ray's calls at once; the chunk with a marked job fails as a whole."""

    class exceptions:  # noqa: N801
        RayError = RuntimeError

    def __init__(self):
        self.started = self.stopped = 0

    def is_initialized(self):
        return self.started > self.stopped

    def init(self, **_):
        self.started += 1

    def shutdown(self):
        self.stopped += 1

    def remote(self, **_):
        def decorate(function):
            function.remote = lambda chunk: _Reference(function, chunk)
            return function

        return decorate

    def wait(self, references, num_returns):
        return references[-num_returns:], references[:-num_returns]

    def get(self, reference):
        if any(job.source.model == "deadly" for job in reference.chunk):
            raise RuntimeError("worker died")
        return [JobOutcome(job.source, record={}) for job in reference.chunk]


class _Reference:
    def __init__(self, function, chunk):
        self.function, self.chunk = function, chunk


def test_ray_finds_the_file_to_blame(tmp_path, small_settings):
    names = ["a", "b", "deadly", "c", "d", "e"]
    jobs = [make_job(small_settings, tmp_path, name) for name in names]
    ray = FakeRay()
    outcomes = {o.source.model: o for o in executors._ray_outcomes(jobs, ray)}
    assert sorted(outcomes) == sorted(names)
    assert "worker died" in outcomes["deadly"].reason
    assert sum(outcome.reason is None for outcome in outcomes.values()) == 5
    assert (ray.started, ray.stopped) == (1, 1)


@pytest.mark.slow
@pytest.mark.multiproc
def test_ray_makes_the_same_files(mesh_folder, tmp_path, small_settings):
    ray = pytest.importorskip("ray")
    build_dataset(mesh_folder, tmp_path / "one", settings=small_settings)
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        report = build_dataset(
            mesh_folder, tmp_path / "two", settings=small_settings, executor="ray"
        )
    finally:
        ray.shutdown()
    assert report.built == 12 and not report.failures
    assert tree(tmp_path / "one") == tree(tmp_path / "two")
