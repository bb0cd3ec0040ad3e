# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the tables of variables in the README.md of each role from its meta/argument_specs.yml.

The tables stand between two comments. With ``--check`` nothing is written, and the exit status is 1 when a README
differs. The known generators do not fit: aar-doc wants a meta/main.yml and has no check, ansible-docsmith wants a
file of defaults for each entry point.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from antsibull_docs_parser import dom
from antsibull_docs_parser.parser import Context, parse

ROOT = Path(__file__).resolve().parent.parent
ROLES = "collections/ansible_collections/winstack/*/roles/*/meta/argument_specs.yml"
BEGIN = "<!-- Variables: written by tools/role_docs.py from meta/argument_specs.yml. -->"
END = "<!-- End of the variables. -->"
BAR = "\\|"

Options = Mapping[str, Mapping[str, Any]]


# One option ----------------------------------------------------------------------------------------------------


def markdown(text: str | Sequence[str]) -> str:
    """Return a description as one line of Markdown for a cell of a table."""
    paragraphs = parse([text] if isinstance(text, str) else text, Context(), errors="exception")
    words = " ".join("".join(map(_part, paragraph)) for paragraph in paragraphs)
    return " ".join(words.split())


def _part(part: dom.AnyPart) -> str:
    """Return a part of Ansible's markup (https://docs.ansible.com/ansible/latest/dev_guide/ansible_markup.html)."""
    if isinstance(part, dom.TextPart):
        return part.text.replace("*", "\\*").replace("<", "\\<")
    if isinstance(part, dom.LinkPart):
        return f"[{part.text}]({part.url})"
    if isinstance(part, dom.URLPart):
        return f"<{part.url}>"
    if isinstance(part, (dom.OptionNamePart, dom.ReturnValuePart)):
        return _code(part.name if part.value is None else f"{part.name}={part.value}")
    if isinstance(part, dom.PluginPart):
        return _code(part.plugin.fqcn)
    if isinstance(part, dom.ModulePart):
        return _code(part.fqcn)
    return _code(str(getattr(part, "value", "") or getattr(part, "name", "") or getattr(part, "text", "")))


def _code(text: str) -> str:
    return f"`{text}`"


def type_of(option: Mapping[str, Any]) -> str:
    """Return the type of an option, as in ``list of str``."""
    elements = option.get("elements")
    return f"{option['type']} of {elements}" if elements else str(option["type"])


def default_of(option: Mapping[str, Any]) -> str:
    """Return the default of an option, ``required``, or nothing."""
    if option.get("required"):
        return "required"
    if option.get("default") is None:
        return ""
    default = option["default"]
    items = default if isinstance(default, list) and default else [default]
    return ", ".join(_code(item if isinstance(item, str) and item else json.dumps(item)) for item in items)


def meaning_of(option: Mapping[str, Any]) -> str:
    """Return the description of an option, with its choices."""
    words = markdown(option["description"])
    if not option.get("choices"):
        return words
    several = "Each is one of" if option["type"] == "list" else "One of"
    return f"{words} {several} {', '.join(_code(str(choice)) for choice in option['choices'])}."


# Tables --------------------------------------------------------------------------------------------------------


def nested(options: Options, before: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Return every option with its path, as in ``luns[].path``, each before those in it."""
    for name, option in options.items():
        yield f"{before}{name}", option
        several = "[]" if option["type"] == "list" else ""
        yield from nested(option.get("options") or {}, f"{before}{name}{several}.")


def table(head: str, rows: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    """Return a table of options under their names."""
    lines = [f"| {head} | type | default | meaning |", "|---|---|---|---|"]
    for name, option in rows:
        cells = (_code(name), type_of(option), default_of(option), meaning_of(option))
        lines.append(f"| {' | '.join(cell.replace('|', BAR) for cell in cells)} |")
    return "\n".join(lines)


def variables(specs: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the variables of all entry points, those of ``main`` first."""
    ordered = [specs[name] for name in ("main", *sorted(set(specs) - {"main"})) if name in specs]
    found: dict[str, Mapping[str, Any]] = {}
    for entry_point in ordered:
        for name, option in (entry_point.get("options") or {}).items():
            found.setdefault(name, option)
    return found


def tables(specs: Mapping[str, Any]) -> str:
    """Return the table of a role's variables, and one for the keys of each that is a dictionary or a list of them."""
    options = variables(specs)
    parts = [table("variable", list(options.items()))]
    for name, option in options.items():
        if option.get("options"):
            each = "Keys of each of" if option["type"] == "list" else "Keys of"
            parts.append(f"{each} {_code(name)}:\n\n{table('key', list(nested(option['options'])))}")
    return "\n\n".join(parts)


# READMEs -------------------------------------------------------------------------------------------------------


def renewed(readme: str, specs: Mapping[str, Any]) -> str:
    """Return a README with its tables written anew. Raise ValueError if it has no place for them."""
    before, begin, rest = readme.partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"it lacks the comments between which the tables stand:\n{BEGIN}\n{END}")
    return f"{before}{BEGIN}\n\n{tables(specs)}\n\n{END}{after}"


def differing(roles: Sequence[Path], *, write: bool) -> Iterator[str]:
    """Return a line for each role whose README differs, after writing it if that is wanted."""
    for role in roles:
        readme = role / "README.md"
        specs = yaml.safe_load((role / "meta/argument_specs.yml").read_text(encoding="utf-8"))[
            "argument_specs"
        ]
        old = readme.read_text(encoding="utf-8")
        try:
            new = renewed(old, specs)
        except ValueError as error:
            sys.exit(f"{readme}: {error}")
        if new != old:
            yield f"{readme.relative_to(ROOT) if readme.is_relative_to(ROOT) else readme}"
            if write:
                readme.write_text(new, encoding="utf-8")


def main() -> int:
    """Write or compare the READMEs of the given roles, by default of all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit status 1 when a README differs"
    )
    parser.add_argument("roles", nargs="*", type=Path, help="folders of roles")
    wanted = parser.parse_args()
    roles = wanted.roles or sorted(path.parents[1] for path in ROOT.glob(ROLES))
    found = list(differing(roles, write=not wanted.check))
    for line in found:
        print(
            f"{line} differs from argument_specs.yml. Run tools/role_docs.py."
            if wanted.check
            else f"{line} written."
        )
    return 1 if wanted.check and found else 0


if __name__ == "__main__":
    sys.exit(main())
