# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading a document: an ordered list of one-key maps, kind -> options or a list of options. PRIVATE to the winstack collections.

All mistakes of a document are told at once, each as one sentence that names the object. Where options are unknown or of the
wrong type no host is asked; where only values are wrong, the rest can still be planned, to tell what else is wrong.
"""

from __future__ import annotations

import difflib
import typing as t
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import Kind, Wish
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.values import Json, Spec
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import WantError

Kinds = Mapping[str, Kind]
SINGLE: t.Final = ""
"""The key of the one object of a kind without identity."""


class OptionError(WantError):
    """Options that are unknown, missing or of the wrong type: it is not even clear what is wished."""


class DocumentError(WantError):
    """A document with mistakes. ``wishes`` are those without; none where it is not even clear what is wished."""

    def __init__(self, faults: Sequence[str], wishes: Sequence[Wish]) -> None:
        """Take a sentence for each mistake, and the wishes that can be planned all the same."""
        super().__init__("\n".join(faults))
        self.wishes = list(wishes)


def read_document(resources: t.Any, kinds: Kinds, place: str = "resources") -> list[Wish]:
    """Return the wishes of a document, in its order. Raise DocumentError with every mistake."""
    unclear: list[str] = []
    wrong: list[str] = []
    wishes: list[Wish] = []
    for name, options, where in _entries(resources, kinds, place, unclear):
        try:
            wishes.append(read_wish(kinds[name], options, where))
        except OptionError as error:
            unclear.append(str(error))
        except WantError as error:
            wrong.append(str(error))
    wrong += _doubles(wishes)
    if unclear or wrong:
        raise DocumentError([*unclear, *wrong], () if unclear else _once(wishes))
    return wishes


def read_wish(kind: Kind, options: t.Any, place: str = "") -> Wish:
    """Return one wish of a kind; ``place`` is where it stands in a document. Raise WantError, a sentence for each mistake."""
    label = _label(kind, _name(kind, options), place)
    if not isinstance(options, Mapping):
        raise OptionError(
            f"{label} is {_form(options)}. Give a dictionary of options, as in {_example(kind)}."
        )
    given = {name: value for name, value in options.items() if value is not None}
    spec = kind.spec()
    if faults := [*unknown_options(given, spec)]:
        raise OptionError("\n".join(f"{label}: {fault}" for fault in faults))
    checked = _validate(spec, given)
    if checked.error_messages:
        raise OptionError("\n".join(f"{label}: {_dot(text)}" for text in checked.error_messages))
    return _wish(kind, t.cast("Mapping[str, t.Any]", checked.validated_parameters), place)


def _validate(spec: Mapping[str, Spec], given: Mapping[str, t.Any]) -> t.Any:
    """Return Ansible's ValidationResult for options; ansible-core leaves these functions without annotations."""
    validator: t.Any = ArgumentSpecValidator
    return validator(spec).validate(dict(given))


def _wish(kind: Kind, options: Mapping[str, t.Any], place: str) -> Wish:
    """Return the wish of validated options, its values parsed."""
    key, name, names = _identified(kind, options, place)
    label = _label(kind, name, place)
    values, faults = {}, []
    for row in kind.rows:
        if options.get(row.option) is None:
            continue
        try:
            values[row.option] = row.type.parse(options[row.option])
        except WantError as error:
            faults.append(f"{label}: {row.option}: {error}")
    if faults:
        raise WantError("\n".join(faults))
    properties = {row.option for row in kind.properties}
    wish = Wish(
        kind,
        key,
        name,
        place,
        {option: value for option, value in values.items() if option in properties},
        names | {option: value for option, value in values.items() if option not in properties},
        options.get("state") == "absent",
    )
    if wrong := [*kind.checks(wish)]:
        raise WantError("\n".join(f"{label}: {sentence}" for sentence in wrong))
    return wish


def _identified(kind: Kind, options: Mapping[str, t.Any], place: str) -> tuple[str, str, dict[str, Json]]:
    """Return key and name of an object, and, where it is named by two options, both of them."""
    if kind.identity is None:
        return SINGLE, "", {}
    first = _parsed(kind, kind.identity, options, place)
    if kind.identity.second is None:
        return kind.identity.key(first), first, {}
    second = _parsed(kind, kind.identity.second, options, place)
    names: dict[str, Json] = {kind.identity.option: first, kind.identity.second.option: second}
    return f"{kind.identity.key(first)}\0{second.lower()}", kind.identity.joined(first, second), names


def _parsed(kind: Kind, identity: t.Any, options: Mapping[str, t.Any], place: str) -> str:
    try:
        return str(identity.type.parse(options[identity.option]))
    except WantError as error:
        label = _label(kind, str(options[identity.option]), place)
        raise WantError(f"{label}: {identity.option}: {error}") from None


def _entries(
    resources: t.Any, kinds: Kinds, place: str, faults: list[str]
) -> Iterator[tuple[str, t.Any, str]]:
    """Return (kind, options, place) of every object; what is no entry becomes a fault."""
    if isinstance(resources, str) or not isinstance(resources, Sequence):
        faults.append(f"{place} is {_form(resources)}. Give a list of one-key maps, kind: options.")
        return
    for number, entry in enumerate(resources):
        where = f"{place}[{number}]"
        if not isinstance(entry, Mapping) or len(entry) != 1:
            faults.append(
                f"{where} is {_form(entry)}. Give one kind and its options, as in windows_feature: {{name: ...}}."
            )
            continue
        ((name, options),) = entry.items()
        if name not in kinds:
            faults.append(f"{where}: there is no kind {name!r}.{_suggest(str(name), kinds)}")
        elif isinstance(options, (Mapping, str)) or not isinstance(options, Sequence):
            yield name, options, f"{where}.{name}"
        else:
            yield from ((name, item, f"{where}.{name}[{index}]") for index, item in enumerate(options))


def unknown_options(given: Mapping[str, t.Any], spec: Mapping[str, Spec], path: str = "") -> Iterator[str]:
    """Return a sentence for every option that is not known, nested ones too."""
    for name, value in given.items():
        if name not in spec:
            yield f"there is no option {path}{name}.{_suggest(str(name), spec)}"
            continue
        inner = spec[name].get("options")
        if inner is None:
            continue
        several = isinstance(value, Sequence) and not isinstance(value, str)
        for index, item in enumerate(value if several else [value]):
            where = f"{path}{name}[{index}]" if several else f"{path}{name}"
            if isinstance(item, Mapping):
                yield from unknown_options(item, inner, f"{where}.")
            else:
                yield f"{where} is {_form(item)}. Give a dictionary with {', '.join(inner)}."


def _suggest(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = difflib.get_close_matches(name, names, 1)
    return f" Did you mean {near[0]}?" if near else f" Known are {', '.join(names)}."


def _once(wishes: Sequence[Wish]) -> list[Wish]:
    """Return the wishes without those that name an object once more."""
    return list({(wish.kind.name, wish.key): wish for wish in reversed(wishes)}.values())[::-1]


def _doubles(wishes: Sequence[Wish]) -> Iterator[str]:
    """Return a sentence for every object that the document names twice."""
    seen: dict[tuple[str, str], Wish] = {}
    for wish in wishes:
        first = seen.setdefault((wish.kind.name, wish.key), wish)
        if first is not wish:
            yield (
                f"{wish.label} is given twice, at {first.place} and at {wish.place}. Leave one of them."
                if wish.name == first.name
                else f"{wish.label} ({wish.place}) and {first.name} ({first.place}) are one object. Leave one of them."
            )


def _label(kind: Kind, name: str, place: str) -> str:
    label = f"{kind.name} {name}".rstrip()
    return f"{label} ({place})" if place else label


def _name(kind: Kind, options: t.Any) -> str:
    if kind.identity is None or not isinstance(options, Mapping):
        return ""
    name = options.get(kind.identity.option)
    return name if isinstance(name, str) else ""


def _example(kind: Kind) -> str:
    option = next(iter(kind.spec()))
    return f"{{{option}: ...}}"


def _form(value: t.Any) -> str:
    """Return what something is without showing it: what stands in the wrong place may be a secret."""
    if isinstance(value, Mapping):
        return f"a dictionary with {', '.join(map(str, value)) or 'nothing'}"
    if isinstance(value, str) or value is None:
        return "empty" if not value else "text"
    return "a list" if isinstance(value, Sequence) else "a number or truth"


def _dot(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


def written(wishes: Iterable[tuple[str, Mapping[str, Json]]]) -> list[dict[str, t.Any]]:
    """Return a document of (kind, options), one entry a kind, in the order of their first objects."""
    entries: dict[str, list[Mapping[str, Json]]] = {}
    for kind, options in wishes:
        entries.setdefault(kind, []).append(options)
    return [{kind: options} for kind, options in entries.items()]
