# SPDX-License-Identifier: Apache-2.0
"""Lint rules about parts: names, arguments, types of values."""

import copy
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Optional, Union

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, Registry
from torch import nn

from svr3d.engine.config import check_config, check_model
from svr3d.engine.lint import lint_config, lint_parts
from svr3d.engine.lint.annotations import annotation_text, fits
from svr3d.engine.lint.signatures import arguments_of
from svr3d.errors import ConfigError
from svr3d.registry import BACKBONES, HEADS


@pytest.fixture(scope="module", autouse=True)
def toy_parts():
    """Parts that stand for any plugin's; taken out of the registries at the end."""

    class LintModel(nn.Module):
        """A model."""

        def __init__(self, backbone: dict, head: dict, *, renderer: dict | None = None):
            super().__init__()

    class LintBackbone(nn.Module):
        """A backbone."""

        def __init__(
            self,
            depth: int,
            *,
            mode: Literal["fast", "slow"] = "fast",
            widths: Sequence[int] = (1, 2),
            path: Path | None = None,
        ):
            super().__init__()

    class LintHead(nn.Module):
        """A head whose surplus arguments go to its base."""

        def __init__(self, classes: int = 3, **kwargs):
            super().__init__(**kwargs)

    MODELS.register_module(module=LintModel)
    BACKBONES.register_module(module=LintBackbone)
    HEADS.register_module(module=LintHead)
    yield
    del MODELS.module_dict["LintModel"]
    del BACKBONES.module_dict["LintBackbone"]
    del HEADS.module_dict["LintHead"]


CONFIG = {
    "default_scope": "svr3d",
    "protocol": {
        "split": "test",
        "views": 1,
        "view_selection": "first",
        "unit": None,
        "num_points": None,
        "reference": None,
    },
    "model": {
        "type": "LintModel",
        "backbone": {"type": "LintBackbone", "depth": 3},
        "head": {"type": "LintHead"},
    },
    "train_dataloader": {
        "batch_size": 2,
        "num_workers": 0,
        "dataset": {
            "type": "RepeatDataset",
            "times": 2,
            "dataset": {"type": "mmengine.dataset.BaseDataset", "ann_file": "a"},
        },
        "sampler": {"type": "DefaultSampler", "shuffle": True},
        "collate_fn": {"type": "default_collate"},
    },
    "train_cfg": {"by_epoch": True, "max_epochs": 3},
    "optim_wrapper": {
        "type": "OptimWrapper",
        "optimizer": {"type": "Adam", "lr": 1e-3},
        "clip_grad": {"max_norm": 1.0},
    },
    "param_scheduler": [
        {"type": "MultiStepLR", "milestones": [1, 2], "by_epoch": True}
    ],
    "default_hooks": {
        "checkpoint": {"type": "CheckpointHook", "interval": 1, "priority": "LOW"},
        "timer": None,
    },
    "custom_hooks": [{"type": "EMAHook"}],
    "visualizer": {"type": "Visualizer", "vis_backends": [{"type": "LocalVisBackend"}]},
    "log_processor": {"window_size": 10},
}
MISSING = object()
ADAM = {"type": "Adam", "lr": 1e-3}
BY_PART = {"constructor": "PartOptimizers", "backbone": {"optimizer": ADAM}}


def changed(path, value):
    """Return the clean config with one value set or taken away."""
    config = copy.deepcopy(CONFIG)
    *parents, last = path.split(".")
    node = config
    for key in parents:
        node = node[int(key)] if isinstance(node, list) else node[key]
    if value is MISSING:
        del node[last]
    elif isinstance(node, list):
        node[int(last)] = value
    else:
        node[last] = value
    return Config(config)


def test_clean_config_is_clean():
    assert [str(p) for p in lint_config(Config(copy.deepcopy(CONFIG)))] == []


@pytest.mark.parametrize(
    ("path", "value", "where", "rule", "words"),
    [
        # names
        ("model.type", "LintModl", "model.type", "unknown-type", "LintModel"),
        ("model.backbone.type", "LintBakbone", None, "unknown-type", "LintBackbone"),
        ("model.backbone.type", "torch.nn.Linea", None, "import", "torch.nn.Linear"),
        ("model.backbone.type", 3, None, "unknown-type", "expected a class"),
        ("model.head.type", "LintBackbone", None, "wrong-kind", "is a backbone"),
        ("custom_hooks.0.type", "EMAHok", None, "unknown-type", "EMAHook"),
        ("param_scheduler.0.type", "MultiStepRL", None, "unknown-type", "MultiStepLR"),
        (
            "train_dataloader.dataset.dataset.pipeline",
            [{"type": "NoSuchTransform"}],
            "train_dataloader.dataset.dataset.pipeline.0.type",
            "unknown-type",
            "no transform named",
        ),
        (
            "model.backbone.type",
            MISSING,
            "model.backbone",
            "missing-type",
            "a backbone",
        ),
        ("default_hooks.x", {"interval": 1}, None, "missing-type", "expected a hook"),
        ("model.backbone.type", "os.system", None, "not-a-part", "no part"),
        ("model.backbone.type", "subprocess.Popen", None, "not-a-part", "no part"),
        # arguments
        ("model.backbone.dept", 3, None, "unknown-keyword", "Did you mean depth?"),
        (
            "model.backbone.depth",
            MISSING,
            "model.backbone",
            "missing-argument",
            "'depth'",
        ),
        ("model.head.clases", 3, None, "unknown-keyword", "Did you mean classes?"),
        ("optim_wrapper.optimizer.lrr", 3, None, "unknown-keyword", "lr"),
        (
            "optim_wrapper",
            {**BY_PART, "head": {"optimizer": ADAM, "clip_grads": None}},
            "optim_wrapper.head.clip_grads",
            "unknown-keyword",
            "clip_grad",
        ),
        ("train_cfg.max_epoch", 3, None, "unknown-keyword", "max_epochs"),
        (
            "train_cfg.max_epochs",
            MISSING,
            "train_cfg",
            "missing-argument",
            "max_epochs",
        ),
        ("train_dataloader.batchsize", 3, None, "unknown-keyword", "batch_size"),
        ("train_dataloader.sampler.shufle", 1, None, "unknown-keyword", "shuffle"),
        ("train_dataloader.dataset.time", 3, None, "unknown-keyword", "times"),
        (
            "default_hooks.checkpoint.intervall",
            3,
            None,
            "unknown-keyword",
            "Did you mean interval?",
        ),
        ("log_processor.windowsize", 3, None, "unknown-keyword", "window_size"),
        # types of values
        ("model.backbone.depth", "3", None, "wrong-type", "expected int, found '3'"),
        ("model.backbone.depth", True, None, "wrong-type", "expected int, found True"),
        ("model.backbone.mode", "medium", None, "wrong-type", "'fast', 'slow'"),
        ("model.backbone.widths", 3, None, "wrong-type", "Sequence[int]"),
        ("model.backbone.widths", ["a"], None, "wrong-type", "Sequence[int]"),
        ("optim_wrapper.optimizer.lr", "fast", None, "wrong-type", "float"),
        ("train_cfg.max_epochs", "3", None, "wrong-type", "int"),
        ("train_dataloader.num_workers", "2", None, "wrong-type", "int"),
        # the whole
        ("train_dataloader.batch_size", 0, None, "range", "positive"),
        ("optim_wrapper.optimizer.lr", -1.0, None, "range", "not negative"),
        ("protocol", MISSING, None, "protocol", "expected dict(split=..."),
        ("protocol.unit", MISSING, None, "protocol", "expected a value"),
        ("val_cfg", {}, "val_dataloader", "triple", "val_evaluator"),
        ("train_cfg", MISSING, "train_cfg", "triple", "train_cfg missing"),
        ("default_hook", {}, "default_hook", "unknown-key", "default_hooks"),
        ("model", MISSING, "model", "missing-key", "expected a model"),
        ("default_scope", MISSING, "default_scope", "scope", "svr3d"),
        (
            "train_dataloader.dataset",
            MISSING,
            "train_dataloader",
            "missing-key",
            "data",
        ),
    ],
)
def test_one_mistake_gives_one_problem(path, value, where, rule, words):
    problems = lint_config(changed(path, value))
    matching = [problem for problem in problems if problem.rule == rule]
    assert len(matching) == 1, "\n".join(map(str, problems))
    expected = path if where is None else where
    assert matching[0].where in (expected, f"{expected}.type"), matching[0]
    assert words in str(matching[0])


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("model.backbone", {"type": nn.Sequential}),
        ("model.backbone.widths", [1, 2, 3]),
        ("model.backbone.path", "some/path"),
        ("model.backbone.path", None),
        ("model.backbone.mode", "slow"),
        ("model.head.anything_else", 3),  # its class takes further names
        ("optim_wrapper.optimizer.lr", 1),
        ("optim_wrapper.paramwise_cfg", {"bias_lr_mult": 2.0}),
        ("optim_wrapper", BY_PART),
        ("param_scheduler.0.convert_to_iter_based", True),
        ("train_cfg", {"type": "IterBasedTrainLoop", "max_iters": 3}),
        ("train_cfg", {"by_epoch": False, "max_iters": 3}),
        ("train_cfg", {"max_iters": 3}),
        ("free_variable", {"anything": [1, 2]}),
    ],
)
def test_what_is_allowed_passes(path, value):
    problems = lint_config(changed(path, value))
    if path == "model.head.anything_else":
        # torch's base constructor takes nothing, so the name has no way to go.
        assert [problem.rule for problem in problems] == ["unknown-keyword"]
    else:
        assert [str(problem) for problem in problems] == []


def test_parts_registered_under_a_scope_of_their_own_are_parts():
    registry = Registry("model", parent=MODELS, scope="lint_scope")
    try:
        registry.register_module(name="Scoped", module=(scoped := type("S", (), {})))
        config = changed("model.renderer", {"type": scoped})
        assert [str(problem) for problem in lint_config(config)] == []
        config = changed("model.renderer", {"type": type("S", (), {})})
        assert [problem.rule for problem in lint_config(config)] == ["not-a-part"]
    finally:
        del MODELS.children["lint_scope"]


def test_parts_under_unknown_keys_are_checked():
    config = changed(
        "model.renderer",
        {"type": "LintBackbone", "inner": [{"type": "Adma"}], "dept": 1},
    )
    found = {(p.where, p.rule) for p in lint_config(config)}
    assert found - {("imports", "import")} == {
        ("model.renderer.inner", "unknown-keyword"),
        ("model.renderer.dept", "unknown-keyword"),
        ("model.renderer.inner.0.type", "unknown-type"),
    }


def test_unknown_keyword_names_the_file_of_the_class():
    (problem,) = lint_parts({"model": {**CONFIG["model"], "hed": 1}})
    assert problem.where == "model.hed"
    assert "LintModel is written in" in problem.hint and __file__ in problem.hint


def test_model_of_a_checkpoint_may_not_call_functions():
    check_model(Config({"model": CONFIG["model"]}), "a.pth")
    with pytest.raises(ConfigError, match=r"a.pth: 1 problem\n.*system is no part"):
        check_model(Config({"model": {"type": "os.system", "command": "id"}}), "a.pth")


def test_check_config_lists_all_problems_in_one_error():
    config = changed("model.backbone", {"type": "LintBackbone", "dept": "x"})
    with pytest.raises(ConfigError) as caught:
        check_config(config, "my.py")
    text = str(caught.value)
    assert text.startswith("my.py: 2 problems\n")
    assert "model.backbone.dept" in text and "needs the argument 'depth'" in text


@pytest.mark.parametrize(
    ("value", "annotation", "expected"),
    [
        (1, int, True),
        (1.0, int, False),
        (True, int, False),
        (1, float, True),
        ("a", str, True),
        (None, Optional[int], True),  # noqa: UP045
        (None, int, False),
        ("a", int | None, False),
        (1, Union[str, int], True),  # noqa: UP007
        ("x", Literal["x", "y"], True),
        (1, Literal["x", True], False),
        ([1, 2], tuple[int, int], True),
        ([1], tuple[int, int], False),
        ((1, 2, 3), tuple[int, ...], True),
        ((1, "a"), list[int], False),
        ("ab", Sequence[str], False),
        ("ab", list, False),
        ({"a": 1}, dict[str, int], True),
        ({"a": "b"}, Mapping[str, int], False),
        ({"type": "A"}, nn.Module, True),
        (3, nn.Module, False),
        (None, nn.Module | None, True),
        ("x", float | torch.Tensor, False),
        ("x", "Unresolved", True),
        (object(), Any, True),
        (len, Callable[..., int], True),
        (3, Callable, False),
        (nn.Linear, type[nn.Module], True),
    ],
)
def test_annotations(value, annotation, expected):
    assert fits(value, annotation) is expected
    assert annotation_text(annotation)


def test_arguments_follow_the_bases_only_through_kwargs():
    class Base:
        def __init__(self, a, b=1):
            pass

    class Open(Base):
        def __init__(self, c, **kwargs):
            super().__init__(c, **kwargs)

    class Closed(Base):
        def __init__(self, d=2):
            super().__init__(d)

    class Catch:
        def __init__(self, e=1, **kwargs):
            self.rest = kwargs

    assert set(arguments_of(Open).annotations) == {"a", "b", "c"}
    assert arguments_of(Open).required == {"c"} and not arguments_of(Open).open_ended
    assert set(arguments_of(Closed).annotations) == {"d"}
    assert arguments_of(Catch).open_ended
    assert set(arguments_of(nn.Module).annotations) == set()
    assert not arguments_of(nn.ReLU).open_ended


def test_modules_without_a_constructor_take_nothing_also_after_compiling():
    class Plain(nn.Module):
        pass

    class Derived(Plain):
        def __init__(self, width: int, **kwargs):
            super().__init__(**kwargs)

    for _ in range(2):
        arguments_of.cache_clear()
        plain, derived = arguments_of(Plain), arguments_of(Derived)
        assert not plain.required and not plain.annotations and not plain.open_ended
        assert derived.required == {"width"} and not derived.open_ended
        # Torch puts a constructor of its own into nn.Module when it first compiles.
        torch.compile(nn.Linear(1, 1), backend="eager")(torch.ones(1))
