# SPDX-License-Identifier: Apache-2.0
"""Names of parts: look-up, error texts, plugins."""

import subprocess
import sys
import textwrap

import pytest
from mmengine.registry import DATASETS as ROOT_DATASETS
from mmengine.registry import HOOKS as ROOT_HOOKS
from mmengine.registry import DefaultScope
from torch import nn

from svr3d.errors import ConfigError
from svr3d.registry import (
    BACKBONES,
    DATASETS,
    HEADS,
    LOSSES,
    METRICS,
    PartRegistry,
    UnknownPartError,
    all_registries,
)
from svr3d.registry.part_registry import import_object, nearest_names


@pytest.fixture
def toys():
    registry = PartRegistry("toy", scope="svr3d")

    @registry.register_module()
    class ResNetToy(nn.Module):
        """A toy."""

    registry.part = ResNetToy
    return registry


def test_own_registries_are_children_of_mmengine_where_it_has_one():
    assert DATASETS.parent is ROOT_DATASETS
    assert METRICS.parent.name == "metric"
    assert [r.parent for r in (BACKBONES, HEADS, LOSSES)] == [None] * 3
    assert list(all_registries())[:5] == [
        "DATASETS",
        "BACKBONES",
        "HEADS",
        "LOSSES",
        "METRICS",
    ]


@pytest.mark.parametrize("look_up", ["get", "build"])
def test_unknown_name_gives_nearest_names_with_their_file(toys, look_up):
    with pytest.raises(KeyError) as caught:
        if look_up == "get":
            toys.get("ResnetTo")
        else:
            toys.build({"type": "ResnetTo"})
    assert isinstance(caught.value, (ConfigError, UnknownPartError))
    text = str(caught.value)
    assert text.startswith("There is no toy named 'ResnetTo'.\n")
    assert "ResNetToy" in text and __file__ in text


def test_unknown_name_far_from_all_lists_what_is_known(toys):
    with pytest.raises(UnknownPartError, match="Known here: ResNetToy"):
        toys.get("Zebra")


def test_containment_does_not_raise(toys):
    assert "ResNetToy" in toys
    assert "Zebra" not in toys


def test_dotted_paths_are_found_with_and_without_scope(toys):
    assert toys.get("torch.nn.Linear") is nn.Linear
    assert toys.get("svr3d.registry.PartRegistry") is PartRegistry
    # mmengine's root registries pass this path on with the scope cut off.
    assert ROOT_HOOKS.get("svr3d.registry.PartRegistry") is PartRegistry


def test_root_registries_answer_with_nearest_names_under_our_scope():
    with DefaultScope.overwrite_default_scope("svr3d"):
        with pytest.raises(UnknownPartError, match="CheckpointHook"):
            ROOT_HOOKS.build({"type": "ChekpointHook"})
        with pytest.raises(UnknownPartError, match="RepeatDataset"):
            ROOT_DATASETS.build({"type": "RepeatDatset"})
        hook = ROOT_HOOKS.build({"type": "CheckpointHook", "interval": 3})
    assert hook.interval == 3


def test_name_of_another_registry_is_told(toys):
    with pytest.raises(UnknownPartError, match="known as: a hook"):
        toys.get("CheckpointHook")


def test_broken_module_is_told_and_does_not_hide_the_others(tmp_path, monkeypatch):
    package = tmp_path / "svr3d_test_parts"
    package.mkdir()
    (package / "__init__.py").write_text("import no_such_module_at_all\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry = PartRegistry("toy", scope="svr3d", locations=["svr3d_test_parts"])
    registry.register_module(name="Good", module=nn.Linear)
    assert registry.get("Good") is nn.Linear
    with pytest.raises(UnknownPartError) as caught:
        registry.get("Bad")
    text = str(caught.value)
    assert "svr3d_test_parts: ModuleNotFoundError" in text
    assert "no_such_module_at_all" in text and "line 1" in text


def test_import_object_tells_a_broken_module_from_a_missing_name(tmp_path, monkeypatch):
    (tmp_path / "svr3d_test_broken.py").write_text("import no_such_module_at_all\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="no_such_module_at_all"):
        import_object("svr3d_test_broken.Thing")
    with pytest.raises(ImportError, match="torch.nn has no Linea"):
        import_object("torch.nn.Linea")
    with pytest.raises(ImportError, match="no module 'no_such'"):
        import_object("no_such.Thing")


def test_nearest_names_ignore_case_and_order_by_likeness():
    names = ["ResNet18", "ResNet", "VGG16", "Decoder"]
    assert nearest_names("resnet", names) == ["ResNet", "ResNet18"]
    assert nearest_names("xyz", names) == []


def make_distribution(folder, *, name, entry_points):
    """Lay out an installed distribution that only has entry points."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    lines = "\n".join(f"{key} = {value}" for key, value in entry_points.items())
    (info / "entry_points.txt").write_text(f"[svr3d.plugins]\n{lines}\n")


def test_installed_plugins_are_found_and_a_broken_one_is_named(tmp_path):
    """In a process of its own, since plugins are loaded once per process."""
    (tmp_path / "goodparts.py").write_text(
        textwrap.dedent("""
        from torch import nn
        from svr3d.registry import BACKBONES, HEADS

        @BACKBONES.register_module()
        class PluginBackbone(nn.Module):
            '''A backbone from a plugin.'''

        def register():
            HEADS.register_module(name="PluginHead", module=nn.Linear)
        """)
    )
    (tmp_path / "badparts.py").write_text("raise ValueError('broken on purpose')\n")
    make_distribution(tmp_path, name="bad", entry_points={"broken": "badparts"})
    make_distribution(
        tmp_path,
        name="good",
        entry_points={"parts": "goodparts", "more": "goodparts:register"},
    )
    script = textwrap.dedent(f"""
        import sys
        sys.path.insert(0, {str(tmp_path)!r})
        from svr3d.registry import BACKBONES, HEADS, load_plugins
        print(BACKBONES.get("PluginBackbone").__name__)
        print(HEADS.get("PluginHead").__name__)
        for name, text in load_plugins().items():
            print(name, "|", text)
        try:
            BACKBONES.get("PluginBackbon")
        except KeyError as error:
            print(error)
    """)
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[:2] == ["PluginBackbone", "Linear"]
    assert lines[2].startswith("plugin 'broken' of bad (badparts) | ValueError: broken")
    assert "badparts.py, line 1" in lines[2]
    message = "\n".join(lines[3:])
    assert "PluginBackbone  (" in message and "plugin 'broken'" in message
