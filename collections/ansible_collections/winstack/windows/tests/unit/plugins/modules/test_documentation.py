# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What users read of a module is what its action plugin takes."""

from __future__ import annotations

import importlib
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.winstack.windows.plugins.plugin_utils._action import (
    ResourceActionBase,
    WinstackActionBase,
)

PLUGINS = Path(__file__).parents[4] / "plugins"
PACKAGE = "ansible_collections.winstack.windows.plugins"
MODULES = sorted(path.stem for path in (PLUGINS / "modules").glob("*.py"))

Doc = dict[str, t.Any]
Option = dict[str, t.Any]


def text(module: str, variable: str) -> t.Any:
    return yaml.safe_load(getattr(importlib.import_module(f"{PACKAGE}.modules.{module}"), variable))


def fragment(name: str) -> Doc:
    """Give a fragment of the collection; its part after the file's name chooses another text of the class."""
    _namespace, _collection, file, *part = name.split(".")
    found = importlib.import_module(f"{PACKAGE}.doc_fragments.{file}").ModuleDocFragment
    return t.cast("Doc", yaml.safe_load(getattr(found, part[0].upper() if part else "DOCUMENTATION")))


def documentation(module: str) -> Doc:
    """Give the documentation with its fragments, of which the module's own words win, as Ansible merges them."""
    own = t.cast("Doc", text(module, "DOCUMENTATION"))
    for name in own.get("extends_documentation_fragment", []):
        shared = fragment(name)
        for key in ("options", "attributes"):
            merged = dict(shared.get(key, {}))
            for item, words in (own.get(key) or {}).items():
                merged[item] = merged.get(item, {}) | words
            own[key] = merged
    return own


def action(module: str) -> type[WinstackActionBase]:
    found: type[WinstackActionBase] = importlib.import_module(f"{PACKAGE}.action.{module}").ActionModule
    return found


def plain(options: dict[str, Option], nested: str) -> dict[str, Option]:
    """Give options in one form, from documentation or from an argument spec."""
    return {
        name: {
            "type": option.get("type", "str"),
            "elements": option.get("elements"),
            "required": option.get("required", False),
            "default": option.get("default"),
            "choices": option.get("choices"),
            "aliases": option.get("aliases", []),
            "options": plain(option.get(nested) or {}, nested),
        }
        for name, option in options.items()
    }


def test_there_are_modules() -> None:
    assert set(MODULES) >= {"iscsi_server_target", "iscsi_target_server", "iscsi_virtual_disk", "snapshot"}
    assert sorted(path.stem for path in (PLUGINS / "action").glob("*.py")) == MODULES


@pytest.mark.parametrize("module", MODULES)
def test_options_are_documented_as_they_are(module: str) -> None:
    documented = plain(documentation(module)["options"], "suboptions")
    assert documented == plain(action(module)._winstack_spec, "options")


@pytest.mark.parametrize("module", MODULES)
def test_secrets_are_marked(module: str) -> None:
    def secrets(options: dict[str, Option]) -> t.Iterator[tuple[str, Option]]:
        for name, option in options.items():
            if any(word in name for word in ("secret", "password")) and option.get("choices") is None:
                yield name, option
            yield from secrets(option.get("options") or {})

    for name, option in secrets(action(module)._winstack_spec):
        assert option.get("no_log") is True, name


@pytest.mark.parametrize("module", MODULES)
def test_every_module_tells_its_attributes(module: str) -> None:
    attributes = documentation(module)["attributes"]
    assert attributes.keys() >= {"check_mode", "diff_mode", "platform", "idempotent", "action_group"}
    assert all("support" in attribute and "description" in attribute for attribute in attributes.values())


@pytest.mark.parametrize("module", MODULES)
def test_the_action_group_is_as_documented(module: str) -> None:
    groups = yaml.safe_load((PLUGINS.parent / "meta" / "runtime.yml").read_text(encoding="utf-8"))[
        "action_groups"
    ]
    supported = documentation(module)["attributes"]["action_group"]["support"] == "full"
    assert (module in groups["all"]) == supported


@pytest.mark.parametrize("module", MODULES)
def test_return_values_are_described(module: str) -> None:
    def check(values: dict[str, t.Any], top: bool) -> None:
        for name, value in values.items():
            assert value["description"], name
            assert "type" in value, name
            assert not top or "returned" in value, name
            check(value.get("contains") or {}, top=False)

    returned = text(module, "RETURN")
    check(returned, top=True)
    if issubclass(action(module), ResourceActionBase):
        assert returned.keys() >= {"before", "after", "commands", "gathered", "rendered"}


def filled(value: t.Any) -> t.Any:
    """Put something of a fitting length where an example has a template."""
    if isinstance(value, dict):
        return {name: filled(item) for name, item in value.items()}
    if isinstance(value, list):
        return [filled(item) for item in value]
    return "a" * 12 if isinstance(value, str) and "{{" in value else value


@pytest.mark.parametrize("module", MODULES)
def test_examples_can_be_run(module: str) -> None:
    plugin = action(module)
    tasks = [task for task in text(module, "EXAMPLES") if f"winstack.windows.{module}" in task]
    assert tasks
    for task in tasks:
        assert task["name"]
        given = filled(task[f"winstack.windows.{module}"] or {})
        result = ArgumentSpecValidator(plugin._winstack_spec, **plugin._winstack_constraints).validate(given)
        assert not result.error_messages, task["name"]
        if issubclass(plugin, ResourceActionBase) and result.validated_parameters["state"] != "gathered":
            plugin._winstack_resource(result.validated_parameters)
