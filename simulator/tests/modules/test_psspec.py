# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading argument specs from PowerShell: small cases, then every module of the collections at hand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from winsim.psspec import OPAQUE, Reader, read_spec, read_value

VALUES: list[tuple[str, Any]] = [
    ("$true", True),
    ("$False", False),
    ("$null", None),
    ("'it''s'", "it's"),
    ('"a`tb`"c"', 'a\tb"c'),
    ('"say ""hi"""', 'say "hi"'),
    ('"$env:TEMP"', OPAQUE),
    ('"a $(Get-Date -Format "x") b"', OPAQUE),
    ("@'\ntext 'here'\n'@", "text 'here'"),
    ('@"\nvalue $x\n"@', OPAQUE),
    ("42", 42),
    ("-7", -7),
    ("0x10", 16),
    ("2KB", 2048),
    ("1.5", 1.5),
    ("3gb", 3 * 1024**3),
    ("'a', 'b'", ["a", "b"]),
    ("'a',\n  'b'", ["a", "b"]),
    (", 'a'", ["a"]),
    (", @('a', 'b')", [["a", "b"]]),
    ("@()", []),
    ("@('a')", ["a"]),
    ("@(@('a', 'b'), @('c', 'd'))", [["a", "b"], ["c", "d"]]),
    ("@(\n  , @('a', 'b')\n  , @('c', 'd')\n)", [["a", "b"], ["c", "d"]]),
    ("@(@('a', 'b'))", ["a", "b"]),
    ("@('a'; 'b')", ["a", "b"]),
    ("('a', 'b')", ["a", "b"]),
    ("(Get-Thing 'a')", OPAQUE),
    ("@('a') + @('b')", ["a", "b"]),
    ("@('a') + $more", OPAQUE),
    ("'a' + 'b'", OPAQUE),
    ("[int]5", 5),
    ("[string[]]@('a')", ["a"]),
    ("[Environment]::NewLine", OPAQUE),
    ("[Func[[Object], [UInt32]]]{ [UInt32]$args[0] }", OPAQUE),
    ("$list -join ','", OPAQUE),
    ("@('a','b') -join ','", OPAQUE),
    ("'abc'.Length", OPAQUE),
    ("{ script }", OPAQUE),
    ("@{ a = 1; b = @{ c = 'd' } }", {"a": 1, "b": {"c": "d"}}),
    ("@{\n 'quoted key' = 1 # comment\n <# block\n comment #> other = 2\n}", {"quoted key": 1, "other": 2}),
    ("@{ long = `\n 'continued' }", {"long": "continued"}),
]


@pytest.mark.parametrize(("text", "expected"), VALUES, ids=[text for text, _ in VALUES])
def test_value(text: str, expected: Any) -> None:
    value = read_value(Reader(text))
    assert value == expected or value is expected


def test_unknown_inside_a_list_spoils_only_itself() -> None:
    assert read_value(Reader("'a', $b, 'c'")) == ["a", OPAQUE, "c"]


BASIC = """
# $module = [Ansible.Basic.AnsibleModule]::Create($args, $no)
$spec = @{
    Options = @{
        name = @{ Type = 'str'; required = $true; aliases = , 'n' }
        mode = @{ type = "str"; choices = 'a', $other }
    }
    supports_check_mode = $true
}
$module = [Ansible.Basic.AnsibleModule]::Create($args, $spec, @(Get-AnsibleWindowsWebRequestSpec))
"""


def test_basic_spec_and_fragment() -> None:
    spec = read_spec(BASIC)
    assert spec.kind == "basic"
    assert spec.options["name"] == {"type": "str", "required": True, "aliases": ["n"]}
    assert spec.options["mode"]["choices"] == ["a", OPAQUE]
    assert spec.fragments == ["Get-AnsibleWindowsWebRequestSpec"]
    assert read_spec(BASIC) is spec  # cached by content


def test_inline_spec_and_unreadable_ones() -> None:
    inline = "$m = [AnsibleModule]::Create($args, @{ options = @{ x = @{ type = 'int' } } })"
    assert read_spec(inline).options == {"x": {"type": "int"}}
    assert read_spec("[Ansible.Basic.AnsibleModule]::Create($args, $spec)").kind == "none"
    assert read_spec("Write-Output 'nothing'").kind == "none"
    assert read_spec("$m = [AnsibleModule]::Create($args, @{})").options == {}


LEGACY = """
$params = Parse-Args $args -supports_check_mode $true
$check_mode = Get-AnsibleParam -obj $params -name "_ansible_check_mode" -type "bool" -default $false
$path = Get-AnsibleParam -obj $params -name "path" -type "path" -failifempty $true -aliases "dest", "name"
$state = Get-AnsibleParam $params "state" -type "str" -default present -ValidateSet "absent", "present"
$data = Get-AnsibleParam -obj $params -name "data" -failifempty ($state -eq "present") -default $result.more["x"]
$inner = Get-AnsibleParam -obj $item -name "inner" -type "str"
$other = Get-Attr -obj $params -name $dynamic
"""


def test_legacy_calls() -> None:
    spec = read_spec(LEGACY)
    assert spec.kind == "legacy"
    assert spec.spec["supports_check_mode"] is True
    assert list(spec.options) == ["path", "state", "data"]
    assert spec.options["path"] == {
        "type": "path", "required": True, "aliases": ["dest", "name"], "choices": [], "default": None,
    }  # fmt: skip
    assert spec.options["state"]["choices"] == ["absent", "present"]
    assert spec.options["state"]["default"] == "present"
    assert spec.options["data"]["required"] is OPAQUE
    assert spec.options["data"]["default"] is OPAQUE


def _documented(path: Path) -> dict[str, Any] | None:
    """The options that the module's documentation names."""
    python = path.with_suffix(".py")
    if python.is_file():
        found = re.search(
            r"DOCUMENTATION\s*=\s*r?(?:'''|\"\"\")(.*?)(?:'''|\"\"\")", python.read_text(), re.DOTALL
        )
        return yaml.safe_load(found[1]).get("options", {}) if found else None
    described = path.with_suffix(".yml")
    return (
        yaml.safe_load(described.read_text())["DOCUMENTATION"].get("options", {})
        if described.is_file()
        else None
    )


def test_every_module_is_read(root: Path) -> None:
    """Every documented option is found in the source, with the documented choices."""
    wrong = []
    for path in sorted((root / "ansible_collections").glob("*/windows/plugins/modules/*.ps1")):
        spec = read_spec(path.read_text(encoding="utf-8-sig"))
        assert spec.kind in ("basic", "legacy"), path
        for name, option in (_documented(path) or {}).items():
            found = next((value for key, value in spec.options.items() if key.lower() == name.lower()), None)
            if found is None:
                if not (spec.fragments or spec.open or name == "free_form"):
                    wrong.append(f"{path.name}: {name}")
                continue
            choices = found.get("choices")
            if option.get("choices") and choices and choices is not OPAQUE and OPAQUE not in choices:
                documented = sorted(str(choice).lower() for choice in option["choices"])
                if documented != sorted(str(choice).lower() for choice in choices):
                    wrong.append(f"{path.name}: {name}: {choices}")
    assert [item for item in wrong if item not in KNOWN] == []


# win_copy's are its action plugin's options; the other comes from a splatted table.
KNOWN = [
    "win_copy.ps1: content",
    "win_copy.ps1: decrypt",
    "win_copy.ps1: local_follow",
    "win_copy.ps1: remote_src",
    "win_rds_cap.ps1: session_timeout_action",
]
