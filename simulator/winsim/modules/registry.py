# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""win_regedit and win_reg_stat."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from winsim.basic import to_str
from winsim.errors import ModuleFailure, Unmodelled, WinError
from winsim.modules import expand, module
from winsim.registry import KINDS, Data, RegValue

if TYPE_CHECKING:
    from winsim.host import Host
    from winsim.invoke import ModuleContext

_PATH = re.compile(r"^HK(CC|CR|CU|LM|U):\\", re.IGNORECASE)


def _bytes(text: str) -> bytes:
    """The bytes of a ``reg export`` value: hex with commas, colons or nothing between, ``hex:`` before."""
    text = re.sub(r"^hex:", "", text.lower())
    text = re.sub(r"[^a-f0-9\\,x\-:]", "", text).replace(",", ":")
    if not text:
        return b""
    if ":" not in text and len(text) % 2 == 0:
        return bytes.fromhex(text)
    if ":" in text or len(text) == 1:
        try:
            return bytes(int(part, 16) for part in re.split(":+", text))
        except ValueError as error:
            raise WinError(f'Exception calling "ToByte" with "2" argument(s): "{error}"', 13) from None
    return b""


def _binary(data: Any) -> bytes:
    if isinstance(data, str) or data is None:
        return _bytes(data or "")
    if isinstance(data, int):
        if data > 255:
            raise ModuleFailure(
                f"cannot convert binary data '{data}' to byte array, please specify this value as a yaml byte array "
                "or a comma separated hex value string",
                data_changed=False,
                data_type_changed=False,
            )
        return bytes([data])
    if isinstance(data, list):
        return bytes(int(item, 0) if isinstance(item, str) else int(item) for item in data)
    raise Unmodelled(f"win_regedit: binary data of {type(data).__name__}")


def _number(data: Any, kind: str) -> int:
    """The unsigned value of a dword or qword; negative numbers become their two's complement."""
    bits = 32 if kind == "dword" else 64
    number = 0 if data is None else data
    if isinstance(data, str):
        number = _parse_unsigned(data)
    elif isinstance(data, float):
        if data % 1:
            raise _failure(
                f"data '{to_str(data)}' cannot be a decimal or float value with a remainder when type is dword or qword"
            )
        number = int(data)
    if number >= 2**bits:
        raise _failure(f"data cannot be larger than 0x{'f' * (bits // 4)} when type is {kind}")
    if number < -(2 ** (bits - 1)):
        raise WinError(f'Cannot convert value "{number}" to type "System.Int{bits}".', 13)
    return int(number % 2**bits)


def _failure(text: str) -> ModuleFailure:
    return ModuleFailure(text, data_changed=False, data_type_changed=False)


def _parse_unsigned(text: str) -> int:
    """``[UInt64]"text"``."""
    plain = text.strip()
    try:
        number = int(plain, 16) if plain.lower().startswith("0x") else int(plain or "0")
    except ValueError:
        number = -1
    if number < 0:
        reason = (
            "Value was either too large or too small for a UInt64."
            if re.fullmatch(r"-[0-9]+", plain)
            else "Input string was not in a correct format."
        )
        raise WinError(f'Cannot convert value "{text}" to type "System.UInt64". Error: "{reason}"', 13)
    return number


def _texts(data: Any) -> list[str]:
    if data is None:
        return []
    return [to_str(item) for item in data] if isinstance(data, list) else [to_str(data)]


def convert(data: Any, kind: str, name: str | None) -> Data | None:
    """The data as it is stored; None means that only the key is wanted."""
    if kind in ("binary", "none"):
        return _binary(data)
    if kind in ("dword", "qword"):
        return _number(data, kind)
    if kind == "multistring":
        return _texts(data)
    if data is None:
        return "" if name else None
    return " ".join(to_str(item) for item in data) if isinstance(data, list) else to_str(data)


def diff_value(kind: str, data: Data) -> dict[str, Any]:
    """A value in the diff: dwords as 0x and eight digits, bytes one by one."""
    shown: Any = data
    if isinstance(data, bytes):
        shown = [f"0x{byte:02x}" for byte in data]
    elif isinstance(data, int):
        shown = f"0x{data:0{8 if kind == 'dword' else 16}x}"
    return {"type": KINDS[kind][0], "value": shown}


def _hive_only(path: str) -> bool:
    return not path.split("\\", 1)[1].strip("\\")


@module("ansible.windows.win_regedit")
def win_regedit(host: Host, ctx: ModuleContext) -> dict[str, Any]:
    """Set or remove a key or a value."""
    params = ctx.params
    warnings, kind = [], params["type"].lower()
    if params["hive"] is not None:
        raise Unmodelled("win_regedit: option hive")
    path = params["path"]
    if (
        kind != "string"
        and not params["name"]
        and params["data"] is not None
        and params["state"] == "present"
    ):
        warnings.append(
            "the data type when name is not specified can only be 'string', the type has automatically been converted"
        )
        kind = "string"
    if not _PATH.match(path):
        raise _failure(f"path: {path} is not a valid powershell path, see module documentation for examples.")
    name = params["name"] or None
    result: dict[str, Any] = {"changed": False, "data_changed": False, "data_type_changed": False}
    result |= {"warnings": warnings, "diff": {"before": "", "after": ""}}
    if params["state"].lower() == "present":
        _present(host, ctx, path, name, kind, result)
    else:
        _absent(host, ctx, path, name, result)
    return result


def _present(
    host: Host, ctx: ModuleContext, path: str, name: str | None, kind: str, result: dict[str, Any]
) -> None:
    data = convert(ctx.params["data"], kind, name)
    missing = not host.registry.exists(path)
    if missing:
        result["changed"] = True
        if not ctx.check_mode:
            _create(host, path)
    result["diff"] = {"before": {} if missing else {path: {}}, "after": {path: {}}}
    if data is None or (missing and ctx.check_mode):
        return
    have = host.registry.get(path, name or "")
    if have is None:
        result["changed"] = True
    else:
        result["data_type_changed"] = have.type != kind
        result["data_changed"] = not _equal(have.data, data)
        result["changed"] = result["changed"] or result["data_type_changed"] or result["data_changed"]
        result["diff"]["before"][path][name or ""] = diff_value(have.type, have.data)
    result["diff"]["after"][path][name or ""] = diff_value(kind, data)
    if result["changed"] and not ctx.check_mode:
        host.registry.set(path, name or "", data, kind)


def _equal(have: Data, want: Data) -> bool:
    """Compare-RegistryProperty: the data only, case-sensitively; a number equals its text."""
    if type(have) is type(want):
        return have == want
    return (
        not isinstance(have, list | bytes)
        and not isinstance(want, list | bytes)
        and to_str(have) == to_str(want)
    )


def _create(host: Host, path: str) -> None:
    try:
        host.registry.create(path)
    except WinError as error:
        raise _failure(
            f'failed to create registry key at {path}: Exception calling "CreateSubKey" with "1" argument(s): '
            f'"{error.message}"'
        ) from None


def _absent(host: Host, ctx: ModuleContext, path: str, name: str | None, result: dict[str, Any]) -> None:
    if not host.registry.exists(path):
        return
    if ctx.params["delete_key"] and name is None:
        if _hive_only(path):
            raise _failure(
                f'failed to delete registry key at {path}: Exception calling "DeleteSubKeyTree" with "2" '
                'argument(s): "Cannot delete a subkey tree because the subkey does not exist."'
            )
        result["changed"] = True
        result["diff"] = {"before": {path: {}}, "after": {}}
        if not ctx.check_mode:
            host.registry.delete(path)
        return
    have = host.registry.get(path, name or "")
    if have is None:
        return
    result["changed"] = True
    result["diff"] = {"before": {path: {name or "": diff_value(have.type, have.data)}}, "after": {path: {}}}
    if not ctx.check_mode:
        host.registry.delete_value(path, name or "")


@module("ansible.windows.win_reg_stat")
def win_reg_stat(host: Host, ctx: ModuleContext) -> dict[str, Any]:
    """A key with its values and subkeys, or one value."""
    path, name = ctx.params["path"], ctx.params["name"]
    if not _PATH.match(path):
        raise ModuleFailure(
            f"path: {path} is not a valid registry path, see module documentation for examples."
        )
    if not host.registry.exists(path):
        return {"changed": False, "exists": False}
    if name is not None:
        value = host.registry.get(path, name)
        found = {"exists": True, **_stat(ctx, value)} if value else {"exists": False}
        return {"changed": False, **found}
    values = {value.name: _stat(ctx, value) for value in host.registry.values(path)}
    keys = host.registry.subkeys(path)
    return {"changed": False, "exists": True, "properties": values, "sub_keys": keys}


def _stat(ctx: ModuleContext, value: RegValue) -> dict[str, Any]:
    data: Any = list(value.data) if isinstance(value.data, bytes) else value.data
    raw: Any = [f"0x{byte:02x}" for byte in value.data] if isinstance(value.data, bytes) else value.data
    if value.type == "expandstring":
        data = expand(ctx, str(data))
    return {"type": KINDS[value.type][1], "value": data, "raw_value": raw}
