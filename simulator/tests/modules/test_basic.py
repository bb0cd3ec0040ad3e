# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Validation of arguments: texts and order of Ansible.Basic and Legacy, as tables of cases."""

from __future__ import annotations

from typing import Any

import pytest

from winsim import basic
from winsim.basic import ModuleSkip, mask, validate_basic, validate_legacy
from winsim.errors import ModuleFailure
from winsim.psspec import read_spec

SPEC = """
$spec = @{
    options = @{
        name = @{ type = 'str'; required = $true; aliases = 'title', 'n' }
        count = @{ type = 'int'; default = 3 }
        ratio = @{ type = 'float' }
        flag = @{ type = 'bool'; default = $false }
        items = @{ type = 'list'; elements = 'str'; choices = 'one', 'two' }
        numbers = @{ type = 'list'; elements = 'int' }
        where = @{ type = 'path' }
        who = @{ type = 'sid' }
        what = @{ type = 'json' }
        any = @{ type = 'raw' }
        odd = @{ type = $delegate }
        state = @{ type = 'str'; choices = 'present', 'absent'; default = 'present' }
        secret = @{ type = 'str'; no_log = $true }
        old = @{ type = 'str'; aliases = , 'older'; deprecated_aliases = @(@{ name = 'older'; version = '9.0.0'; collection_name = 'a.b' }) }
        sub = @{
            type = 'dict'
            options = @{
                key = @{ type = 'str'; required = $true }
                size = @{ type = 'int' }
            }
        }
        many = @{ type = 'list'; elements = 'dict'; options = @{ id = @{ type = 'int'; required = $true } } }
        filled = @{ type = 'dict'; apply_defaults = $true; options = @{ x = @{ type = 'int'; default = 1 } } }
        plain = @{ type = 'dict' }
    }
    mutually_exclusive = @(, @('ratio', 'where'))
    required_together = @(, @('ratio', 'odd'))
    required_one_of = @(, @('name', 'who'))
    required_if = @(
        , @('state', 'absent', @('who', 'where'), $true)
        , @('flag', $true, @('what'))
    )
    required_by = @{ plain = @('any') }
    supports_check_mode = $false
}
$module = [Ansible.Basic.AnsibleModule]::Create($args, $spec)
"""
LEGACY = """
$params = Parse-Args $args
$path = Get-AnsibleParam -obj $params -name "path" -type "path" -failifempty $true -aliases "dest"
$state = Get-AnsibleParam -obj $params -name "state" -type "str" -default "x" -ValidateSet "absent", "present"
$flag = Get-AnsibleParam -obj $params -name "flag" -type "bool" -default $false
$items = Get-AnsibleParam -obj $params -name "items" -type "list"
$count = Get-AnsibleParam -obj $params -name "count" -type "int"
$raw = Get-AnsibleParam -obj $params -name "raw"
"""
ENV = basic.Environment(
    lambda text: text.replace("%TEMP%", "C:\\Temp"), {"Administrators": "S-1-5-32-544"}.get
)


def check(arguments: dict[str, Any], **more: Any) -> basic.Validated:
    return validate_basic(read_spec(SPEC), arguments, name="a.b.c", env=ENV, **more)


def failure(arguments: dict[str, Any]) -> str:
    with pytest.raises(ModuleFailure) as caught:
        check(arguments)
    return caught.value.msg


FAILURES: list[tuple[dict[str, Any], str]] = [
    ({"ratio": 1, "where": "x"}, "parameters are mutually exclusive: ratio, where"),
    ({}, "missing required arguments: name"),
    (
        {"name": "x", "count": "many"},
        "argument for count is of type System.String and we were unable to convert to int: Input string was not in "
        "a correct format.",
    ),
    (
        {"name": "x", "count": 2**40},
        "argument for count is of type System.Int64 and we were unable to convert to int: Value was either too "
        "large or too small for an Int32.",
    ),
    (
        {"name": "x", "flag": "perhaps"},
        "argument for flag is of type System.String and we were unable to convert to bool: The value 'perhaps' is "
        "not a valid boolean. Valid booleans include: y, yes, on, 1, true, t, 1.0, n, no, off, 0, false, f, 0.0",
    ),
    (
        {"name": "x", "ratio": "much"},
        "argument for ratio is of type System.String and we were unable to convert to float: Input string was not "
        "in a correct format.",
    ),
    (
        {"name": "x", "items": {"a": 1}},
        "argument for items is of type System.Collections.Hashtable and we were unable to convert to list: "
        "System.Collections.Hashtable cannot be converted to a list",
    ),
    (
        {"name": "x", "plain": ["a"]},
        "argument for plain is of type System.Object[] and we were unable to convert to dict: System.Object[] "
        "cannot be converted to a dict",
    ),
    (
        {"name": "x", "plain": "word"},
        "argument for plain is of type System.String and we were unable to convert to dict: string cannot be "
        "converted to a dict, must either be a JSON string or in the key=value form",
    ),
    (
        {"name": "x", "what": 5},
        "argument for what is of type System.Int32 and we were unable to convert to json: System.Int32 cannot be "
        "converted to json",
    ),
    (
        {"name": "x", "where": "C:\\a<b"},
        "argument for where is of type System.String and we were unable to convert to path: string value contains "
        "invalid path characters, cannot convert to path",
    ),
    (
        {"name": "x", "where": "C:\\a:b"},
        "argument for where is of type System.String and we were unable to convert to path: The given path's "
        "format is not supported.",
    ),
    (
        {"name": "x", "where": ""},
        "argument for where is of type System.String and we were unable to convert to path: The path is not of a "
        "legal form.",
    ),
    (
        {"name": "x", "who": "Nobody"},
        "argument for who is of type System.String and we were unable to convert to sid: Some or all identity "
        "references could not be translated.",
    ),
    (
        {"name": "x", "state": "gone"},
        "value of state must be one of: present, absent. Got no match for: gone",
    ),
    (
        {"name": "x", "items": ["one", "three", "four"]},
        "value of items must be one or more of: one, two. Got no match for: three, four",
    ),
    ({"name": "x", "ratio": 1.5}, "parameters are required together: ratio, odd"),
    (
        {"name": "x", "state": "absent"},
        "state is absent but any of the following are missing: who, where",
    ),
    ({"name": "x", "flag": True}, "flag is True but all of the following are missing: what"),
    ({"name": "x", "plain": {}}, "missing parameter(s) required by 'plain': any"),
    (
        {"name": "x", "numbers": ["1", "b"]},
        "argument for list entry numbers is of type System.String and we were unable to convert to int: Exception "
        "has been thrown by the target of an invocation.",
    ),
    ({"name": "x", "sub": {}}, "missing required arguments: key found in sub"),
    (
        {"name": "x", "sub": {"key": "a", "size": "b"}},
        "argument for size is of type System.String and we were unable to convert to int: Input string was not in "
        "a correct format. found in sub",
    ),
    (
        {"name": "x", "sub": {"key": "a", "more": 1}},
        "Unsupported parameters for (a.b.c) module: more found in sub. Supported parameters include: key, size",
    ),
    ({"name": "x", "many": [{"id": 1}, {}]}, "missing required arguments: id found in many"),
]


@pytest.mark.parametrize(("arguments", "text"), FAILURES, ids=[text[:60] for _, text in FAILURES])
def test_failure(arguments: dict[str, Any], text: str) -> None:
    assert failure(arguments) == text


def test_unknown_options_come_first_and_are_sorted() -> None:
    text = failure({"zzz": 1, "bad": 2})
    assert text.startswith(
        "Unsupported parameters for (a.b.c) module: bad, zzz. Supported parameters include: any, "
    )
    assert "n, name" in text
    assert "title" in text
    assert check({"zzz": 1, "name": "x"}, ignore_unknown=True).params["name"] == "x"


CONVERSIONS: list[tuple[str, Any, Any]] = [
    ("name", 5, "5"),
    ("name", True, "True"),
    ("count", "17", 17),
    ("count", " -3 ", -3),
    ("flag", "no", False),
    ("flag", 0, False),
    ("items", "one, Two", ["one", "Two"]),
    ("numbers", 7, [7]),
    ("numbers", ["1", 2], [1, 2]),
    ("where", "%TEMP%\\x", "C:\\Temp\\x"),
    ("where", "\\\\?\\C:\\%TEMP%", "\\\\?\\C:\\%TEMP%"),
    ("who", "Administrators", "S-1-5-32-544"),
    ("who", "s-1-5-18", "S-1-5-18"),
    ("what", {"a": [1]}, '{"a":[1]}'),
    ("what", "{}", "{}"),
    ("any", {"a": 1}, {"a": 1}),
    ("state", "ABSENT", "ABSENT"),
    ("sub", "key=a, size='1'", {"key": "a", "size": 1}),
    ("sub", '{"key": "a"}', {"key": "a", "size": None}),
    ("many", [{"id": "5"}], [{"id": 5}]),
]


@pytest.mark.parametrize(("option", "given", "expected"), CONVERSIONS)
def test_conversion(option: str, given: Any, expected: Any) -> None:
    arguments = {"name": "x", "what": "w", "who": "Administrators", option: given}
    assert check(arguments).params[option] == expected


def test_defaults_aliases_case_and_nulls() -> None:
    found = check({"TITLE": "x", "Count": 4, "secret": "s3cret", "older": "y"}).params
    assert found["name"] == "x"
    assert found["count"] == 4
    assert found["flag"] is False
    assert found["filled"] == {"x": 1}
    assert found["sub"] is None
    assert check({"name": None}).params["name"] is None  # given, though null
    validated = check({"name": "x", "secret": "s3cret", "older": "y"})
    assert validated.no_log == {"s3cret"}
    assert validated.deprecations[0]["version"] == "9.0.0"


def test_float_dict_and_bad_json() -> None:
    assert check({"name": "x", "ratio": "2.5", "odd": 1}).params["ratio"] == 2.5
    assert basic.parse_dict('a="b c",d=e\\=f g') == {"a": "b c", "d": "e=f", "g": None}
    assert failure({"name": "x", "plain": "{bad}", "any": 1}).startswith(
        "argument for plain is of type System.String"
    )
    assert failure({"name": "x", "many": ["word"]}).startswith("Unhandled exception")
    assert basic.to_str(2.0) == "2"


def test_check_mode_is_refused_before_the_other_checks() -> None:
    with pytest.raises(ModuleSkip) as caught:
        check({}, check_mode=True)
    assert caught.value.result == {
        "changed": False,
        "skipped": True,
        "msg": "remote module (a.b.c) does not support check mode",
    }


def test_web_request_fragment() -> None:
    source = (
        "$m = [AnsibleModule]::Create($args, @{ options = @{ url = @{ type = 'str'; required = $true } } }, "
    )
    spec = read_spec(source + "@(Get-AnsibleWindowsWebRequestSpec))")
    found = validate_basic(spec, {"url": "u", "url_password": "p4ss"}, name="a.b.c")
    assert found.params["validate_certs"] is True
    assert found.no_log == {"p4ss"}


# Legacy


def legacy(arguments: dict[str, Any], **more: Any) -> dict[str, Any]:
    return validate_legacy(read_spec(LEGACY), arguments, env=ENV, **more).params


LEGACY_FAILURES: list[tuple[dict[str, Any], str]] = [
    ({}, "Get-AnsibleParam: Missing required argument: path"),
    (
        {"path": "x", "state": "gone"},
        "Get-AnsibleParam: Argument state needs to be one of absent,present but was gone.",
    ),
    (
        {"path": "x", "state": None},
        "Get-AnsibleParam: Argument state needs to be one of absent,present but was .",
    ),
    ({"path": "a|b"}, "Get-AnsibleParam: Parameter 'path' has an invalid path 'a|b' specified."),
    ({"path": "x", "items": {"a": 1}}, "Get-AnsibleParam: Parameter 'items' is not a YAML list."),
]


@pytest.mark.parametrize(
    ("arguments", "text"), LEGACY_FAILURES, ids=[text[18:60] for _, text in LEGACY_FAILURES]
)
def test_legacy_failure(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(ModuleFailure) as caught:
        legacy(arguments)
    assert caught.value.msg == text


def test_legacy_values() -> None:
    found = legacy(
        {"DEST": "%TEMP%\\x", "flag": "On", "items": "a, b", "count": "2.5", "unknown": 1, "raw": [1]}
    )
    assert found == {
        "path": "C:\\Temp\\x", "state": "x", "flag": True, "items": ["a", "b"], "count": 2, "raw": [1],
    }  # fmt: skip
    assert legacy({"path": "x", "flag": "perhaps", "count": "many"})["flag"] is False
    assert legacy({"path": "x", "count": "many"})["count"] is None
    with pytest.raises(ModuleSkip, match="remote module does not support check mode"):
        legacy({}, check_mode=True)


MASKED: list[tuple[Any, Any]] = [
    ("s3cret", "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"),
    ("a s3cret b", "a ******** b"),
    ({"k": ["s3cret", 1]}, {"k": ["VALUE_SPECIFIED_IN_NO_LOG_PARAMETER", 1]}),
    (12345, "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"),
    (None, None),
    (True, True),
]


@pytest.mark.parametrize(("value", "expected"), MASKED)
def test_mask(value: Any, expected: Any) -> None:
    assert mask(value, ["s3cret", "234", ""]) == expected
