# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is written of the modules, beside what ansible-test compares."""

from __future__ import annotations

import importlib
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.winstack.openstack.plugins.doc_fragments.attributes import ModuleDocFragment
from ansible_collections.winstack.openstack.plugins.plugin_utils.oslo_config import ARGUMENT_SPEC

ROOT = Path(__file__).parents[4]
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py"))


def written(module: str, part: str) -> dict[str, t.Any]:
    """Give a part of the documentation of a module."""
    name = f"ansible_collections.winstack.openstack.plugins.modules.{module}"
    return dict(yaml.safe_load(getattr(importlib.import_module(name), part)))


def plain(options: dict[str, t.Any], nested: str) -> dict[str, t.Any]:
    """Give options in one form, from documentation or from an argument spec."""
    return {
        name: {
            **{key: option.get(key) for key in ("type", "elements", "default", "choices")},
            "required": option.get("required", False),
            "options": plain(option.get(nested) or {}, nested),
        }
        for name, option in options.items()
    }


def test_options_of_the_action_plugin_are_documented_as_they_are() -> None:
    """ansible-test compares those of modules only."""
    documented = plain(written("oslo_config", "DOCUMENTATION")["options"], "suboptions")
    assert documented == plain(ARGUMENT_SPEC, "options")


@pytest.mark.parametrize("module", MODULES)
def test_action_group_is_as_documented(module: str) -> None:
    """Every module but the inner half of oslo_config."""
    groups = yaml.safe_load((ROOT / "meta/runtime.yml").read_text(encoding="utf-8"))["action_groups"]
    documentation = written(module, "DOCUMENTATION")
    assert "winstack.openstack.attributes" in documentation["extends_documentation_fragment"]
    shared = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["attributes"]
    attributes = {name: shared.get(name, {}) | own for name, own in documentation["attributes"].items()}
    supported = (shared | attributes)["action_group"]["support"] == "full"
    assert (module in groups["all"]) == supported == (module != "oslo_config_file")


@pytest.mark.parametrize("module", MODULES)
def test_return_values_are_described(module: str) -> None:
    """Each has a description, a type, and the cases in which it is returned."""
    for name, value in written(module, "RETURN").items():
        assert value.keys() >= {"description", "type", "returned"}, name


@pytest.mark.parametrize("module", MODULES)
def test_examples_use_the_module(module: str) -> None:
    """By its full name, with options that exist, each task with a name."""
    options = written(module, "DOCUMENTATION")["options"]
    name = f"ansible_collections.winstack.openstack.plugins.modules.{module}"
    tasks = yaml.safe_load(importlib.import_module(name).EXAMPLES)
    used = [task[f"winstack.openstack.{module}"] for task in tasks]
    assert used
    assert all(task["name"] for task in tasks)
    assert not {option for arguments in used for option in arguments} - set(options)
