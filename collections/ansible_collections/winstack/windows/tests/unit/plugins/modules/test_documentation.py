# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What users read of a module is what its action plugin takes, and roles take the same."""

from __future__ import annotations

import importlib
import typing as t
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.action import (
    DesiredStateActionBase,
    KindActionBase,
    own_options,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.document import (
    read_document,
    read_wish,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.gathering import (
    ToldState,
    options_of,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import Settings, Wish
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.plan import make_plan
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.runner import Failed
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.snapshot import Snapshot
from ansible_collections.winstack.windows.plugins.plugin_utils.resources.all import KINDS

from ..plugin_utils.simulated import SimulatedHost

ROOT = Path(__file__).parents[4]
PACKAGE = "ansible_collections.winstack.windows.plugins"
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))

Doc = dict[str, t.Any]
Option = dict[str, t.Any]


def text(module: str, variable: str) -> t.Any:
    return yaml.safe_load(getattr(importlib.import_module(f"{PACKAGE}.modules.{module}"), variable))


def fragment(name: str) -> Doc:
    """Return a fragment of the collection; its part after the file's name chooses another text of the class."""
    _namespace, _collection, file, *part = name.split(".")
    found = importlib.import_module(f"{PACKAGE}.doc_fragments.{file}").ModuleDocFragment
    return t.cast("Doc", yaml.safe_load(getattr(found, part[0].upper() if part else "DOCUMENTATION")))


def documentation(module: str) -> Doc:
    """Return the documentation with its fragments, of which the module's own words win, as Ansible merges them."""
    own = t.cast("Doc", text(module, "DOCUMENTATION"))
    for name in own.get("extends_documentation_fragment", []):
        shared = fragment(name)
        for key in ("options", "attributes"):
            merged = dict(shared.get(key, {}))
            for item, words in (own.get(key) or {}).items():
                merged[item] = merged.get(item, {}) | words
            own[key] = merged
    return own


def action(module: str) -> t.Any:
    return importlib.import_module(f"{PACKAGE}.action.{module}").ActionModule


OF_KINDS = [module for module in MODULES if issubclass(action(module), KindActionBase)]


def plain(options: dict[str, Option], nested: str) -> dict[str, Option]:
    """Return options in one form, from documentation or from an argument spec."""
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


# Modules ------------------------------------------------------------------------------------------------------------------


def test_every_module_has_an_action_plugin() -> None:
    assert sorted(path.stem for path in (ROOT / "plugins" / "action").glob("*.py")) == MODULES


def test_every_kind_has_a_module() -> None:
    assert KINDS.keys() <= set(MODULES)


@pytest.mark.parametrize("module", OF_KINDS)
def test_a_module_is_the_kind_of_its_name(module: str) -> None:
    assert action(module)._winstack_kind is KINDS[module]


@pytest.mark.parametrize("module", MODULES)
def test_options_are_documented_as_they_are(module: str) -> None:
    documented = plain(documentation(module)["options"], "suboptions")
    assert documented == plain(action(module)._winstack_spec, "options")


@pytest.mark.parametrize("module", MODULES)
def test_every_option_is_described(module: str) -> None:
    def bare(options: dict[str, Option]) -> Iterator[str]:
        for name, option in options.items():
            if not option.get("description"):
                yield name
            yield from bare(option.get("suboptions") or {})

    assert not [*bare(documentation(module)["options"])]


@pytest.mark.parametrize("module", MODULES)
def test_secrets_are_marked(module: str) -> None:
    def secrets(options: dict[str, Option]) -> Iterator[tuple[str, Option]]:
        for name, option in options.items():
            if any(word in name for word in ("secret", "password")) and option.get("choices") is None:
                yield name, option
            yield from secrets(option.get("options") or {})

    for name, option in secrets(action(module)._winstack_spec):
        assert option.get("no_log") is True, name


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_its_attributes(module: str) -> None:
    attributes = documentation(module)["attributes"]
    assert attributes.keys() >= {"check_mode", "diff_mode", "platform", "idempotent", "action_group"}
    assert all("support" in attribute and "description" in attribute for attribute in attributes.values())


@pytest.mark.parametrize("module", MODULES)
def test_the_action_group_is_as_documented(module: str) -> None:
    groups = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))["action_groups"]
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

    check(text(module, "RETURN"), top=True)


@pytest.mark.parametrize("module", OF_KINDS)
def test_modules_of_kinds_return_the_same(module: str) -> None:
    returned = text(module, "RETURN")
    always = {"objects", "refusals", "unmet", "reboot_required", "rebooted", "remote_commands", "rendered"}
    listing = {"gathered", "host", "silent"} if KINDS[module].enumerates else set()
    assert returned.keys() == always | listing
    assert returned["objects"]["contains"].keys() >= {"kind", "key", "changed", "outcome", "before", "after"}


# Examples -----------------------------------------------------------------------------------------------------------------


def filled(value: t.Any) -> t.Any:
    """Return an example with something of a fitting length where it has a template."""
    if isinstance(value, dict):
        return {name: filled(item) for name, item in value.items()}
    if isinstance(value, list):
        return [filled(item) for item in value]
    return "a" * 12 if isinstance(value, str) and "{{" in value else value


def examples(module: str) -> list[tuple[str, dict[str, t.Any]]]:
    """Return the name and the validated options of each task that uses the module."""
    plugin, found = action(module), []
    for task in text(module, "EXAMPLES"):
        if f"winstack.windows.{module}" not in task:
            continue
        validator: t.Any = ArgumentSpecValidator(plugin._winstack_spec, **plugin._winstack_constraints)
        result = validator.validate(filled(task[f"winstack.windows.{module}"] or {}))
        assert not result.error_messages, task["name"]
        found.append((task["name"], result.validated_parameters))
    return found


def wishes(module: str, params: dict[str, t.Any]) -> list[Wish]:
    """Return what an example wishes, read as its action plugin reads it."""
    plugin = action(module)
    if params.get("state") == "gathered":
        return []
    if issubclass(plugin, DesiredStateActionBase):
        return read_document(params["resources"], KINDS)
    if issubclass(plugin, KindActionBase):
        return [read_wish(KINDS[module], own_options(KINDS[module], params))]
    return []


@pytest.mark.parametrize("module", MODULES)
def test_examples_can_be_run(module: str) -> None:
    tasks = examples(module)
    assert tasks
    for name, params in tasks:
        assert name
        wishes(module, params)


def rendered(module: str, params: dict[str, t.Any], have: list[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
    """Return the calls that the module renders for an object, without a host."""
    task = SimpleNamespace(check_mode=False)
    plugin = action(module)(task, *[None] * 5)
    result = plugin._winstack_run(params | {"state": "rendered", "have": have}, None, Snapshot())
    return t.cast("list[dict[str, t.Any]]", result["rendered"])


def brought_about(wish: Wish, params: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return the object that a plan foretells, as options; those of the example where such an object is not made here."""
    after = make_plan(ToldState(KINDS, [wish], [], Settings())).changes[0].after
    given = {option: value for option, value in own_options(wish.kind, params).items() if value is not None}
    return given if after is None else t.cast("dict[str, t.Any]", options_of(wish.kind, after))


@pytest.mark.parametrize("module", OF_KINDS)
def test_what_an_example_brings_about_needs_no_further_call(module: str) -> None:
    """By its properties alone: other options may concern objects of other kinds."""
    for name, params in examples(module):
        own = params | dict.fromkeys(word.option for word in KINDS[module].options)
        for wish in wishes(module, own):
            assert wish.absent or rendered(module, own, [brought_about(wish, own)]) == [], name


def test_a_service_is_stopped_by_its_state() -> None:
    wish = {"name": "Spooler", "state": "stopped"}
    assert read_wish(
        KINDS["windows_service"], own_options(KINDS["windows_service"], wish | {"start_mode": None})
    ).values == {"state": "stopped"}


MISSPELT: dict[str, tuple[str, dict[str, t.Any], str]] = {
    "an option": (
        "windows_service",
        {"name": "Spooler", "start_mod": "auto"},
        "windows_service Spooler: there is no option start_mod. Did you mean start_mode?",
    ),
    "a nested option": (
        "wintarget",
        {"portals": [{"adress": "10.0.0.5"}], "firewall": None},
        "wintarget: there is no option portals[0].adress. Did you mean address?",
    ),
    "an option of the document's module": (
        "desired_state",
        {"resource": []},
        "desired_state: there is no option resource. Did you mean resources?",
    ),
}


@pytest.mark.parametrize(("module", "given", "told"), MISSPELT.values(), ids=MISSPELT)
def test_a_misspelt_option_is_one_sentence(module: str, given: dict[str, t.Any], told: str) -> None:
    task = SimpleNamespace(args=given, action=f"winstack.windows.{module}")
    assert action(module)(task, *[None] * 5)._winstack_misspelt() == [told]


def in_check_mode(module: str, **params: t.Any) -> dict[str, t.Any]:
    """Return the result of a module on a simulated host in check mode."""
    plugin = action(module)
    validator: t.Any = ArgumentSpecValidator(plugin._winstack_spec)
    validated = validator.validate(params).validated_parameters
    task = SimpleNamespace(check_mode=True)
    result = plugin(task, *[None] * 5)._winstack_run(validated, SimulatedHost(), Snapshot())
    return t.cast("dict[str, t.Any]", result)


def test_what_another_task_may_make_is_a_warning_in_check_mode() -> None:
    result = in_check_mode("windows_service", name="Missing", state="started")
    assert result["warnings"] == ["windows_service Missing: there is no such service on the host."]


def test_what_no_other_task_makes_is_a_failure_in_check_mode() -> None:
    with pytest.raises(Failed, match="requirement: .* is not among the wanted releases"):
        in_check_mode("requirement", releases=["2025"])


# Roles --------------------------------------------------------------------------------------------------------------------

# Option of a role -> the options of a kind that it hands on, name by name.
HANDED_ON: dict[tuple[str, str], dict[str, Option]] = {
    ("iscsi_target_server", "iscsi_target_server_disks"): KINDS["iscsi_virtual_disk"].spec(),
    ("iscsi_target_server", "iscsi_target_server_targets"): KINDS["iscsi_server_target"].spec(),
    ("iscsi_target_server", "iscsi_target_server_portals"): KINDS["wintarget"].spec()["portals"]["options"],
}


def role_option(role: str, option: str) -> Option:
    specs = yaml.safe_load(
        (ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8")
    )
    return t.cast("Option", specs["argument_specs"]["main"]["options"][option])


@pytest.mark.parametrize(("role", "option"), HANDED_ON)
def test_options_of_roles_are_those_of_their_kinds(role: str, option: str) -> None:
    taken = role_option(role, option)
    assert (taken["type"], taken["elements"]) == ("list", "dict")
    assert plain(taken["options"], "options") == plain(HANDED_ON[role, option], "options")


def test_peers_of_the_role_are_those_of_the_kind() -> None:
    """As a whole: a peer may be a text, so that no specification can go further down."""
    of_kind = KINDS["ntp_client"].spec()["peers"]
    of_role = {
        name: value
        for name, value in role_option("ntp_client", "ntp_client_peers").items()
        if name != "default"
    }
    assert plain({"peers": of_role}, "options") == plain({"peers": of_kind}, "options")
