# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Argument validation as Ansible.Basic (C#) and Ansible.ModuleUtils.Legacy (PowerShell) do it.

The order of the checks and the texts are ansible-core's, lib/ansible/module_utils/csharp/Ansible.Basic.cs and
lib/ansible/module_utils/powershell/Ansible.ModuleUtils.Legacy.psm1.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from winsim.errors import ModuleFailure
from winsim.psspec import OPAQUE, ModuleSpec

TRUE = ["y", "yes", "on", "1", "true", "t", "1.0"]
FALSE = ["n", "no", "off", "0", "false", "f", "0.0"]
LEGACY_TRUE = ("yes", "on", "1", "true")

# Get-AnsibleWindowsWebRequestSpec of ansible.windows (module_utils/WebRequest.psm1): not in the module's source.
WEB_REQUEST: dict[str, Any] = {
    "url_method": {"type": "str"},
    "follow_redirects": {"type": "str", "choices": ["all", "none", "safe"], "default": "safe"},
    "headers": {"type": "dict"},
    "http_agent": {"type": "str", "default": "ansible-httpget"},
    "maximum_redirection": {"type": "int", "default": 50},
    "url_timeout": {"type": "int", "default": 30},
    "validate_certs": {"type": "bool", "default": True},
    "client_cert": {"type": "str"},
    "client_cert_password": {"type": "str", "no_log": True},
    "force_basic_auth": {"type": "bool", "default": False},
    "url_username": {"type": "str"},
    "url_password": {"type": "str", "no_log": True},
    "use_default_credential": {"type": "bool", "default": False},
    "use_proxy": {"type": "bool", "default": True},
    "proxy_url": {"type": "str"},
    "proxy_username": {"type": "str"},
    "proxy_password": {"type": "str", "no_log": True},
    "proxy_use_default_credential": {"type": "bool", "default": False},
}
FRAGMENTS = {"Get-AnsibleWindowsWebRequestSpec": WEB_REQUEST}


class ModuleSkip(Exception):
    """The module ends at once with a skipped result (no support for check mode)."""

    def __init__(self, result: dict[str, Any]) -> None:
        super().__init__(result["msg"])
        self.result = result


@dataclass
class Validated:
    """Arguments after validation. ``invocation`` has what the module would report as module_args, unmasked."""

    params: dict[str, Any]
    no_log: set[str] = field(default_factory=set)
    deprecations: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Environment:
    """What conversions need of the host: ``%VAR%`` expansion and the SID of an account name."""

    expand: Callable[[str], str] = str
    sid: Callable[[str], str | None] = lambda name: None


# .NET -------------------------------------------------------------------------------------------------------


def dotnet_type(value: Any) -> str:
    """The full name of the .NET type that a JSON value becomes."""
    if isinstance(value, bool):
        return "System.Boolean"
    if isinstance(value, int):
        return "System.Int32" if -(2**31) <= value < 2**31 else "System.Int64"
    if isinstance(value, float):
        return "System.Double"
    if isinstance(value, (list, tuple)):
        return "System.Object[]"
    return "System.Collections.Hashtable" if isinstance(value, Mapping) else "System.String"


def to_str(value: Any) -> str:
    """``ToString()`` of a .NET value."""
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (list, tuple, Mapping)):
        return dotnet_type(value)
    return str(value)


class ConversionError(Exception):
    """A value that cannot be converted; the text is the inner exception's."""


def parse_bool(value: Any) -> bool:
    """ParseBool."""
    if isinstance(value, bool):
        return value
    text = to_str(value).lower().strip()
    if text in TRUE or text in FALSE:
        return text in TRUE
    raise ConversionError(
        f"The value '{text}' is not a valid boolean. Valid booleans include: {', '.join(TRUE + FALSE)}"
    )


def parse_int(value: Any) -> int:
    """ParseInt: Int32.Parse of the text."""
    if isinstance(value, int) and not isinstance(value, bool) and -(2**31) <= value < 2**31:
        return value
    text = to_str(value).strip()
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        raise ConversionError("Input string was not in a correct format.")
    if not -(2**31) <= int(text) < 2**31:
        raise ConversionError("Value was either too large or too small for an Int32.")
    return int(text)


def parse_float(value: Any) -> float:
    """ParseFloat."""
    try:
        return float(to_str(value))
    except ValueError:
        raise ConversionError("Input string was not in a correct format.") from None


def parse_list(value: Any) -> list[Any]:
    """ParseList: a list, text split at commas, or one integer."""
    if isinstance(value, (list, tuple)):
        return list(value)
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")]
    if isinstance(value, int) and not isinstance(value, bool):
        return [value]
    raise ConversionError(f"{dotnet_type(value)} cannot be converted to a list")


def parse_dict(value: Any) -> dict[str, Any]:
    """ParseDict: a dictionary, JSON text, or ``key=value`` pairs."""
    if isinstance(value, Mapping):
        return dict(value)
    if not isinstance(value, str):
        raise ConversionError(f"{dotnet_type(value)} cannot be converted to a dict")
    if value.startswith("{") and value.endswith("}"):
        try:
            return dict(json.loads(value))
        except ValueError as error:
            raise ConversionError(f"Invalid JSON primitive: {error}.") from None
    if "=" not in value:
        raise ConversionError(
            "string cannot be converted to a dict, must either be a JSON string or in the key=value form"
        )
    pairs = (item.partition("=") for item in dict.fromkeys(_fields(value)))
    return {key: (text if sign else None) for key, sign, text in pairs}


def _fields(text: str) -> list[str]:
    """Fields between commas or blanks; quotes and backslashes protect."""
    fields: list[str] = []
    current, quote, escaped = "", "", False
    for char in text:
        if escaped:
            current, escaped = current + char, False
        elif char == "\\":
            escaped = True
        elif quote:
            quote, current = ("", current) if char == quote else (quote, current + char)
        elif char in "'\"":
            quote = char
        elif char in ", ":
            fields, current = [*fields, current], ""
        else:
            current += char
    return [item for item in [*fields, current] if item]


def parse_json(value: Any) -> str:
    """ParseJson: text as it is, a dictionary as JSON."""
    if isinstance(value, Mapping):
        return json.dumps(value, separators=(",", ":"))
    if isinstance(value, str):
        return value
    raise ConversionError(f"{dotnet_type(value)} cannot be converted to json")


def parse_path(value: Any, expand: Callable[[str], str]) -> str:
    """ParsePath: environment variables expanded, unless the path is for the NT kernel."""
    text = to_str(value)
    if text.startswith("\\\\?\\"):
        return text
    text = expand(text)
    if re.search(r'["<>|\x00-\x1f]', text):
        raise ConversionError("string value contains invalid path characters, cannot convert to path")
    if not text.strip():
        raise ConversionError("The path is not of a legal form.")
    if re.search(r":", text[2:] if re.match(r"[A-Za-z]:", text) else text) and "://" not in text:
        raise ConversionError("The given path's format is not supported.")
    return text


def parse_sid(value: Any, lookup: Callable[[str], str | None]) -> str:
    """ParseSid: an account name or a SID, as SID text."""
    text = to_str(value)
    if re.fullmatch(r"S-1-[0-9]+(-[0-9]+)+", text, re.IGNORECASE):
        return text.upper()
    sid = lookup(text)
    if sid is None:
        raise ConversionError("Some or all identity references could not be translated.")
    return sid


def convert(value: Any, kind: Any, env: Environment) -> Any:
    """``value`` as option type ``kind``; an opaque type leaves it alone. Raises ConversionError."""
    plain: dict[str, Callable[[Any], Any]] = {
        "bool": parse_bool,
        "int": parse_int,
        "float": parse_float,
        "list": parse_list,
        "dict": parse_dict,
        "json": parse_json,
        "str": to_str,
    }
    if kind == "path":
        return parse_path(value, env.expand)
    if kind == "sid":
        return parse_sid(value, env.sid)
    return plain[kind](value) if isinstance(kind, str) and kind in plain else value


# Ansible.Basic ------------------------------------------------------------------------------------------------


def _texts(value: Any) -> list[str]:
    """A spec property that is one text or a list of texts; opaque parts are left out."""
    items = value if isinstance(value, list) else [] if value in (None, OPAQUE) else [value]
    return [to_str(item) for item in items if item is not OPAQUE]


def _groups(value: Any) -> list[list[Any]]:
    """mutually_exclusive and the like: a list of lists."""
    if not isinstance(value, list):
        return []
    return [group for group in value if isinstance(group, list)]


class _Basic:
    """One run of the checks over a spec; sub-options use the same object with a longer ``context``."""

    def __init__(self, name: str, env: Environment) -> None:
        self.name = name
        self.env = env
        self.context: list[str] = []
        self.no_log: set[str] = set()
        self.deprecations: list[dict[str, Any]] = []

    def fail(self, message: str) -> ModuleFailure:
        where = f" found in {' -> '.join(self.context)}" if self.context else ""
        return ModuleFailure(self.mask(message + where))

    def mask(self, text: str) -> str:
        return str(mask(text, self.no_log))

    # The steps, in Ansible.Basic's order

    def aliases(self, options: Mapping[str, Any], params: dict[str, Any]) -> list[str]:
        """Copy values given under an alias; returns all aliases."""
        found = []
        for name, option in options.items():
            for alias in _texts(option.get("aliases")):
                found.append(alias)
                key = _key(params, alias)
                if key is not None:
                    params[name] = params[key]
            for entry in option.get("deprecated_aliases") or []:
                if isinstance(entry, dict) and _key(params, str(entry.get("name"))) is not None:
                    self._deprecated(f"Alias '{entry['name']}' is deprecated.", entry)
        return found

    def _deprecated(self, text: str, entry: Mapping[str, Any]) -> None:
        self.deprecations.append(
            {
                "msg": f"{text} See the module docs for more information",
                "collection_name": entry.get("collection_name"),
                **({"version": entry["version"]} if entry.get("version") is not None else {"date": None}),
            }
        )

    def secrets(self, options: Mapping[str, Any], params: Mapping[str, Any]) -> None:
        for name, option in options.items():
            key = _key(params, name)
            if option.get("no_log") is True and key is not None and params[key] not in (None, ""):
                self.no_log.add(to_str(params[key]))

    def unsupported(self, legal: list[str], params: dict[str, Any], *, ignore: bool) -> None:
        lowered = {name.lower(): name for name in reversed(legal)}
        unknown = sorted(key for key in params if key.lower() not in lowered)
        if unknown and not ignore:
            where = f" found in {' -> '.join(self.context)}" if self.context else ""
            raise ModuleFailure(
                f"Unsupported parameters for ({self.name}) module: {', '.join(unknown)}{where}. "
                f"Supported parameters include: {', '.join(sorted(legal))}"
            )
        for key in [k for k in params if k.lower() in lowered and k not in legal]:
            params.setdefault(lowered[key.lower()], params[key])
            del params[key]

    def exclusive(self, spec: Mapping[str, Any], params: Mapping[str, Any]) -> None:
        for group in _groups(spec.get("mutually_exclusive")):
            if sum(name in params for name in group) > 1:
                raise self.fail(f"parameters are mutually exclusive: {', '.join(_texts(group))}")

    def required(self, options: Mapping[str, Any], params: dict[str, Any]) -> None:
        missing = []
        for name, option in options.items():
            default = option.get("default")
            if name not in params and default is not None and default is not OPAQUE:
                params[name] = default
            if option.get("required") is True and name not in params:
                missing.append(name)
        if missing:
            raise self.fail(f"missing required arguments: {', '.join(missing)}")

    def types(self, options: Mapping[str, Any], params: dict[str, Any]) -> None:
        for name, option in options.items():
            if params.get(name) is None:
                continue
            kind = option.get("type", "str")
            try:
                params[name] = convert(params[name], kind, self.env)
            except ConversionError as error:
                raise self.fail(
                    f"argument for {name} is of type {dotnet_type(params[name])} and we were unable to convert "
                    f"to {kind}: {error}"
                ) from None
            self._choices(name, option, params[name])

    def _choices(self, name: str, option: Mapping[str, Any], value: Any) -> None:
        choices = option.get("choices")
        if not choices or choices is OPAQUE or (isinstance(choices, list) and OPAQUE in choices):
            return
        allowed = _texts(choices)
        many = option.get("type") == "list"
        values = [to_str(item) for item in value] if many else [to_str(value)]
        lowered = {choice.lower() for choice in allowed}
        wrong = list(dict.fromkeys(item for item in values if item.lower() not in lowered))
        if wrong:
            raise self.fail(
                f"value of {name} must be one {'or more ' if many else ''}of: {', '.join(allowed)}. "
                f"Got no match for: {', '.join(wrong)}"
            )

    def together(self, spec: Mapping[str, Any], params: Mapping[str, Any]) -> None:
        for group in _groups(spec.get("required_together")):
            if 0 < sum(name in params for name in group) < len(group):
                raise self.fail(f"parameters are required together: {', '.join(_texts(group))}")

    def one_of(self, spec: Mapping[str, Any], params: Mapping[str, Any]) -> None:
        for group in _groups(spec.get("required_one_of")):
            if not any(name in params for name in group):
                raise self.fail(f"one of the following is required: {', '.join(_texts(group))}")

    def required_if(self, spec: Mapping[str, Any], params: Mapping[str, Any]) -> None:
        for check in _groups(spec.get("required_if")):
            key, wanted, names = check[0], check[1], _texts(check[2])
            if params.get(key) is None or to_str(params[key]) != to_str(wanted):
                continue
            any_one = len(check) > 3 and check[3] is True
            missing = [name for name in names if name not in params]
            if len(missing) >= (len(names) if any_one else 1):
                raise self.fail(
                    f"{key} is {to_str(wanted)} but {'any' if any_one else 'all'} of the following are missing: "
                    f"{', '.join(missing)}"
                )

    def required_by(self, spec: Mapping[str, Any], params: Mapping[str, Any]) -> None:
        rules = spec.get("required_by")
        for key, names in (rules if isinstance(rules, dict) else {}).items():
            missing = [name for name in _texts(names) if name not in params]
            if key in params and missing:
                raise self.fail(f"missing parameter(s) required by '{key}': {', '.join(missing)}")

    def check(self, spec: Mapping[str, Any], params: dict[str, Any], legal: list[str], ignore: bool) -> None:
        """All checks after the unknown options and check mode."""
        options = spec["options"]
        self.exclusive(spec, params)
        self.required(options, params)
        self.types(options, params)
        self.together(spec, params)
        self.one_of(spec, params)
        self.required_if(spec, params)
        self.required_by(spec, params)
        for name, option in options.items():
            params.setdefault(name, None)
            params[name] = self._sub_option(name, option, params[name])

    def _sub_option(self, name: str, option: Mapping[str, Any], value: Any) -> Any:
        kind, elements = option.get("type", "str"), option.get("elements")
        if kind == "dict":
            return self._sub_spec(name, option, value)
        if kind != "list" or elements is None or value is None:
            return value
        if elements == "dict":
            return [self._sub_spec(name, option, item) for item in value]
        return [self._element(name, elements, item) for item in value]

    def _element(self, name: str, elements: Any, item: Any) -> Any:
        try:
            return convert(item, elements, self.env)
        except ConversionError:
            raise self.fail(
                f"argument for list entry {name} is of type {dotnet_type(item)} and we were unable to convert to "
                f"{elements}: Exception has been thrown by the target of an invocation."
            ) from None

    def _sub_spec(self, name: str, option: Mapping[str, Any], value: Any) -> Any:
        options = option.get("options")
        if not isinstance(options, dict) or not options:
            return value
        if value is None and option.get("apply_defaults") is not True:
            return None
        self.context.append(name)
        try:
            params = parse_dict(value if value is not None else {})
        except ConversionError as error:
            raise ModuleFailure(f"Unhandled exception while executing module: {error}") from None
        legal = [*options, *self.aliases(options, params)]
        self.secrets(options, params)
        self.unsupported(legal, params, ignore=False)
        self.check(option, params, legal, False)
        self.context.pop()
        return params


def _key(params: Mapping[str, Any], name: str) -> str | None:
    """The key of a case-insensitive name (a Hashtable of PowerShell)."""
    if name in params:
        return name
    return next((key for key in params if key.lower() == name.lower()), None)


def _with_fragments(spec: ModuleSpec) -> dict[str, Any]:
    options = dict(spec.options)
    for name in spec.fragments:
        for option, properties in FRAGMENTS.get(name, {}).items():
            options[option] = {**properties, **options.get(option, {})}
    return {**spec.spec, "options": options}


def validate_basic(
    spec: ModuleSpec,
    args: Mapping[str, Any],
    *,
    name: str,
    env: Environment | None = None,
    check_mode: bool = False,
    ignore_unknown: bool = False,
) -> Validated:
    """Validate as Ansible.Basic: ModuleFailure with its text, ModuleSkip if check mode is not supported."""
    run = _Basic(name, env or Environment())
    whole = _with_fragments(spec)
    params = dict(args)
    options = whole["options"]
    legal = [*options, *run.aliases(options, params)]
    run.secrets(options, params)
    run.unsupported(legal, params, ignore=ignore_unknown)
    if check_mode and whole.get("supports_check_mode") is not True:
        raise ModuleSkip(
            {"changed": False, "skipped": True, "msg": f"remote module ({name}) does not support check mode"}
        )
    try:
        run.check(whole, params, legal, ignore_unknown)
    except ModuleFailure as failure:
        failure.result["_no_log"] = set(run.no_log)
        raise
    return Validated(params, run.no_log, run.deprecations)


# Legacy -------------------------------------------------------------------------------------------------------


def _legacy_failure(text: str) -> ModuleFailure:
    return ModuleFailure(f"Get-AnsibleParam: {text}", changed=False)


def _legacy_convert(name: str, value: Any, kind: Any, env: Environment) -> Any:
    if kind == "path":
        text = env.expand(to_str(value))
        if re.search(r'[<>"|\x00-\x1f]', text):
            raise _legacy_failure(f"Parameter '{name}' has an invalid path '{text}' specified.")
        return text
    if kind == "bool":
        return value is True or to_str(value).lower() in LEGACY_TRUE
    if kind in ("int", "float"):
        return _legacy_number(value, kind)
    if kind == "list":
        if isinstance(value, bool) or not isinstance(value, (list, str, int)):
            raise _legacy_failure(f"Parameter '{name}' is not a YAML list.")
        return parse_list(value)
    return to_str(value) if kind == "str" else value


def _legacy_number(value: Any, kind: str) -> int | float | None:
    """``-as [int]``: null for what cannot be converted."""
    try:
        number = float(to_str(value))
    except ValueError:
        return None
    return round(number) if kind == "int" else number


def validate_legacy(
    spec: ModuleSpec,
    args: Mapping[str, Any],
    *,
    env: Environment | None = None,
    check_mode: bool = False,
) -> Validated:
    """Validate as Legacy: unknown options pass, required and choices are checked where they are literals."""
    if check_mode and spec.spec.get("supports_check_mode") is not True:
        raise ModuleSkip(
            {"changed": False, "skipped": True, "msg": "remote module does not support check mode"}
        )
    environment = env or Environment()
    params: dict[str, Any] = {}
    for name, option in spec.options.items():
        params[name] = _legacy_value(name, option, args, environment)
    return Validated(params)


def _legacy_value(name: str, option: Mapping[str, Any], args: Mapping[str, Any], env: Environment) -> Any:
    keys = (_key(args, alias) for alias in [name, *_texts(option.get("aliases"))])
    key = next((found for found in keys if found is not None), None)
    if key is None:
        if option.get("required") is True:
            raise _legacy_failure(f"Missing required argument: {name}")
        value = None if option.get("default") is OPAQUE else option.get("default")
    else:
        value = args[key]
        choices = option.get("choices") or []
        if (
            choices
            and OPAQUE not in choices
            and to_str(value).lower() not in [c.lower() for c in _texts(choices)]
        ):
            raise _legacy_failure(
                f"Argument {name} needs to be one of {','.join(_texts(choices))} but was {_shown(value)}."
            )
    return None if value is None else _legacy_convert(name, value, option.get("type"), env)


def _shown(value: Any) -> str:
    return "" if value is None else to_str(value)


# Secrets ------------------------------------------------------------------------------------------------------


def mask(value: Any, secrets: Iterable[str]) -> Any:
    """RemoveNoLogValues: secrets replaced as ansible-core up to 2.21 does."""
    hidden = [secret for secret in secrets if secret]
    if isinstance(value, Mapping):
        return {key: mask(item, hidden) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [mask(item, hidden) for item in value]
    if value is None:
        return None
    text = to_str(value)
    if text in hidden:
        return "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
    found = [secret for secret in hidden if secret in text]
    if not found:
        return value
    if isinstance(value, (bool, int, float)):
        return "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
    return text.replace(found[0], "********")
