# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The declared parameters agree with Microsoft's published signatures, as far as a catalogue of them is at hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from winsim.cmdlets import Cmdlet, catalogue
from winsim.cmdlets.binding import ALL
from winsim.driver import is_driver, lean

ROOT = Path(__file__).resolve().parents[3]
PRODUCT = ROOT / "collections/ansible_collections/winstack/windows/plugins/plugin_utils/engine"
FACTS = ROOT.parent / "shared/facts/cmdlets.json"
MODELS = catalogue()


def load(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["cmdlets"] if path.exists() else {}
    return found


def shape(parameter: dict[str, Any]) -> tuple[str, bool, tuple[str, ...], tuple[str, ...]]:
    """What two descriptions of a parameter must share."""
    values = parameter.get("values", parameter.get("accepted_values", ()))
    aliases = tuple(sorted(alias.lower() for alias in parameter.get("aliases", ())))
    return parameter["type"], bool(parameter.get("mandatory")), aliases, tuple(values)


def declared(model: Cmdlet, release: str = "2025") -> dict[str, dict[str, Any]]:
    """Set -> parameter -> shape, as the model declares them."""
    known = model.available_parameters(release)
    return {
        name: {
            key: (p.type, p.needed_in(name), tuple(sorted(a.lower() for a in p.aliases)), p.values)
            for key, p in known.items()
            if p.in_set(name)
        }
        for name in model.sets
    }


def fits(wanted: dict[str, Any], ours: dict[str, Any]) -> bool:
    """Whether all wanted parameters are there with the same type, need and values, and at least their aliases."""
    return all(
        key in ours
        and (a[0], a[1], a[3]) == (ours[key][0], ours[key][1], ours[key][3])
        and set(a[2]) <= set(ours[key][2])
        for key, a in wanted.items()
    )


PRODUCT_CMDLETS = load(PRODUCT / "cmdlets.json")
FACT_CMDLETS = load(FACTS)


@pytest.mark.skipif(not PRODUCT_CMDLETS, reason="the collection's catalogue of cmdlets is not there")
def test_every_cmdlet_of_the_product_is_modelled() -> None:
    assert set(PRODUCT_CMDLETS) <= set(MODELS)


@pytest.mark.parametrize("name", sorted(set(PRODUCT_CMDLETS) & set(MODELS)) or [""])
def test_product_catalogue(name: str) -> None:
    """Every set of the product's catalogue fits into one of the model's sets."""
    if not name:
        pytest.skip("the collection's catalogue of cmdlets is not there")
    published, model = PRODUCT_CMDLETS[name], MODELS[name]
    assert published["should_process"] == model.should_process
    assert published["module"] == model.module
    ours = list(declared(model).values())
    for set_name, parameters in published["sets"].items():
        wanted = {key: shape(parameter) for key, parameter in parameters.items()}
        assert any(fits(wanted, candidate) for candidate in ours), (set_name, wanted, ours)


@pytest.mark.parametrize("name", sorted(set(FACT_CMDLETS) & set(MODELS)) or [""])
def test_published_signatures(name: str) -> None:
    """The same sets, parameters, types, aliases and values as the published pages."""
    if not name:
        pytest.skip("the project's fact files are not beside the checkout")
    published, model = FACT_CMDLETS[name], MODELS[name]
    assert published["should_process"] == model.should_process
    assert published["module"] == model.module
    assert published["default_set"] in (model.default_set, ALL)
    wanted = {
        set_name: {key: shape(parameter) for key, parameter in parameters.items()}
        for set_name, parameters in published["parameter_sets"].items()
    }
    assert declared(model) == wanted
    for release, difference in published.get("version_differences", {}).items():
        known = set(model.available_parameters(release))
        assert not known & set(difference.get("missing_parameters", ())), release
        assert set(difference.get("extra_parameters", ())) <= known, release


def test_declarations_are_whole() -> None:
    for name, model in MODELS.items():
        assert model.default_set is None or model.default_set in model.sets, name
        assert name.partition("-")[0] in {"Get", "Test"} or model.changes, name
        assert model.should_process is False or model.module != "IscsiTarget", name


def test_current_driver_is_reviewed() -> None:
    """An edited driver has to be read again before the model may stand for it (winsim.driver.REVIEWED)."""
    path = PRODUCT / "driver.ps1"
    if not path.exists():
        pytest.skip("the collection's driver is not there")
    text = path.read_text(encoding="utf-8")
    assert is_driver(text)
    assert is_driver(text.replace("\n", "\r\n") + "\r\n\r\n")
    assert not is_driver(text.replace("$changed = $false", "$changed = $true"))
    assert lean("\ufeffa \r\n  # c\r\nb\t\r\n\r\n") == "a\nb"
