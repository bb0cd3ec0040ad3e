# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From wishes to a converged host: gather, plan, apply up to the next barrier, gather again, until nothing is left.

Between barriers everything is one remote command, which also gathers what it touched. PRIVATE to the winstack collections.
"""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.driver import Answer, Section
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.host import HOST
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.kind import (
    RESTART,
    Change,
    Kind,
    Question,
    Settings,
    Step,
    Wish,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.plan import Plan, make_plan, shown
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.signatures import check, completed
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.snapshot import Snapshot
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.state import (
    HostState,
    Kinds,
    Unanswered,
    reason,
)
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.values import Json
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import (
    HostError,
    WinstackError,
)

MAX_ROUNDS: t.Final = 12
Result = dict[str, t.Any]


class Host(t.Protocol):
    """A way to a Windows host."""

    def execute(self, calls: Mapping[str, Call]) -> Answer:
        """Run the calls in one remote command. Raise HostError if that cannot be."""

    def reboot(self, timeout: int) -> None:
        """Restart the host and wait for it, ``timeout`` seconds at most. Raise HostError if it does not come back."""


@dataclass(frozen=True)
class Options:
    """How a document is used. ``lenient``: in check mode, what is missing only warns, since another task may make it.

    ``faults``: what is wrong with the document itself, so that it is only planned, to tell what else is wrong.
    ``namesakes``: returns the other hosts of the inventory that answered with a computer name.
    ``beside``: returns what later documents of the play wish: should the host have to be asked, it is asked for these as well.
    """

    check: bool = False
    converged: bool = False
    reboot: bool = False
    reboot_timeout: int = 1800
    protected: tuple[str, ...] = ()
    lenient: bool = False
    faults: str = ""
    namesakes: Callable[[str], Sequence[str]] | None = None
    beside: Callable[[], Sequence[Wish]] = tuple


@dataclass
class Entry:
    """What became of one object so far. ``outcome``: unchanged, planned, changed, failed or not_reached."""

    wish: Wish
    before: Mapping[str, Json]
    after: Mapping[str, Json]
    calls: list[Call] = field(default_factory=list)
    outcome: str = "unchanged"

    def as_dict(self) -> Result:
        """Return the entry of the result."""
        return {
            "kind": self.wish.kind.name,
            "key": self.wish.name,
            "changed": self.outcome in ("planned", "changed") or bool(self.calls),
            "outcome": self.outcome,
            "before": dict(self.before),
            "after": dict(self.after),
            "commands": [call.masked() for call in self.calls],
        }


class Failed(WinstackError):
    """A document that could not be brought about; ``result`` says what became of each object."""

    def __init__(self, message: str, result: Result) -> None:
        """Take what is told to the operator, and the result."""
        super().__init__(message)
        self.result = result


class Run:
    """One document on one host."""

    def __init__(
        self,
        kinds: Kinds,
        wishes: Sequence[Wish],
        host: Host,
        snapshot: Snapshot,
        options: Options,
        *,
        gather: Kinds | None = None,
    ) -> None:
        """Take the wishes, the way to the host, and what this run of ansible-playbook knows of it; kinds to gather, if any."""
        self.kinds, self.wishes, self.host, self.snapshot = kinds, wishes, host, snapshot
        self.options, self._gather = options, gather or {}
        self.entries: dict[tuple[str, str], Entry] = {}
        self.warnings: list[str] = []
        self.plan = Plan(())
        self.restart_owed = self.rebooted = False
        self._final: set[str] = set()
        self._done: set[tuple[str, str, str]] = set()
        self._settled: set[tuple[str, str]] = set()

    # The way --------------------------------------------------------------------------------------------------------------

    def converge(self) -> Result:
        """Return the result of bringing the host to what is wished, or in check mode of planning it. Raise Failed."""
        self._look()
        self._stop_at_problems()
        if self.options.check:
            return self._preview()
        for _round in range(MAX_ROUNDS):
            changes = self._reachable()
            if not any(self._open(change) for change in changes):
                break
            if self._is_stale(changes):
                self._look_again()
                continue
            self._advance(changes)
            self._look()
            self._stop_at_problems()
        self._finish()
        return self.result()

    def verify(self) -> Result:
        """Return the result of comparing fresh answers with what is wished. Raise Failed for anything that is left to do."""
        self.snapshot.forget()
        self._look()
        self._note_plan("unchanged")
        plan = self.plan
        wrong = [*self._faults(), *plan.refusals, *plan.unmet, *plan.later]
        if problems := [*wrong, *self._left(), *plan.ineffective]:
            raise Failed("\n".join(problems), self.result())
        return self.result()

    def gathered(self) -> tuple[HostState, dict[str, str]]:
        """Return the state of the host, and of the kinds to gather those that it did not tell: name -> why."""
        self._ask(self._unasked(self.wishes))
        while True:
            state = self._state()
            silent = dict(_unreadable(state, self._gather.values()))
            if not state.missing:
                return state, silent
            self._ask(state.missing.values())

    # Looking --------------------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Make the plan, asking the host what is not known, in as few commands as can be."""
        if any(self._unasked(self.wishes)):
            self._ask(self._unasked([*self.wishes, *self.options.beside()]))
        while True:
            state = self._state()
            self.plan = make_plan(state)
            if not state.missing:
                return
            self._ask(state.missing.values())

    def _look_again(self) -> None:
        """Make the plan on fresh answers: something is about to be destroyed, or did not read back."""
        self.snapshot.forget()
        self._look()
        self._stop_at_problems()

    def _state(self) -> HostState:
        settings = Settings(
            self.options.protected, self.snapshot.offset_seconds, self.snapshot.uncertainty_seconds
        )
        return HostState(self.kinds, self.snapshot.sections, self.wishes, settings, frozenset(self._final))

    def _unasked(self, wishes: Sequence[Wish]) -> list[Question]:
        """Return the questions of wishes that this run of ansible-playbook has no answer to."""
        return [question for question in self._needed(wishes) if question.name not in self.snapshot.sections]

    def _needed(self, wishes: Sequence[Wish]) -> list[Question]:
        """Return every question that wishes are likely to need, each once."""
        asked = [question for wish in wishes for question in wish.kind.asks(wish)]
        wished = {wish.kind.name: wish.kind for wish in wishes}
        kinds = _with_consulted({**self._gather, **wished}, self.kinds)
        listed = [question for kind in kinds for question in kind.gathers]
        return list({question.name: question for question in (*HOST, *listed, *asked)}.values())

    def _ask(self, questions: Iterable[Question]) -> None:
        """Ask the host in one command that changes nothing. What fails now fails for good.

        Unit tests hold every question against the published signatures; what is sent with it is a path or a key.
        """
        calls = {question.name: completed(question.call) for question in questions}
        if not calls:
            return
        self.snapshot.take(self.host.execute(calls), calls)
        self._final |= calls.keys()

    # Doing ----------------------------------------------------------------------------------------------------------------

    def _reachable(self) -> tuple[Change, ...]:
        return self.plan.reachable()

    def _open(self, change: Change) -> tuple[Step, ...]:
        """Return the steps of a change that are not done yet. What cannot be read back is done once a run."""
        identity = _identity(change.wish)
        blind_done = identity in self._settled
        return tuple(step for step in change.steps if not (step.blind and blind_done))

    def _is_stale(self, changes: Iterable[Change]) -> bool:
        """Return whether something is about to be destroyed on the word of an answer that an earlier task was given."""
        destructive = any(step.destructive for change in changes for step in change.steps)
        return destructive and not self.snapshot.sections.keys() <= self.snapshot.fresh

    def _advance(self, changes: Sequence[Change]) -> None:
        """Apply the changes in one command, gather what they touched in the same one, and restart the host if that is due."""
        steps = [(change, step) for change in changes for step in self._open(change)]
        if any(self._repeats(*pair) for pair in steps):
            self._complain()
            return
        self._note_plan("not_reached")
        # What is said of a change is not said any more once it is made.
        self.warnings += [text for change, _step in steps for text in change.warnings]
        answers = self._apply([pair for pair in steps if pair[1] is not RESTART], changes)
        asked_for = any(step.restart and step.restart(answers[id(step)]) for _change, step in steps)
        self.restart_owed = self.restart_owed or asked_for
        if self.options.reboot and (asked_for or any(step is RESTART for _change, step in steps)):
            self._reboot()

    def _apply(self, steps: Sequence[tuple[Change, Step]], changes: Iterable[Change]) -> dict[int, Section]:
        """Run the steps; return the section of each by the step's id. Raise Failed when one fails."""
        calls = {f"step {number}": completed(step.call) for number, (_change, step) in enumerate(steps, 1)}
        if not calls:
            return {}
        release = self._state().release
        for call in calls.values():
            check(call, release)
        questions = {question.name: question for question in self._touched(changes)}
        self._final.clear()
        self.snapshot.forget(questions)  # Should the host not answer, nobody knows what was done.
        try:
            answer = self.host.execute(
                calls | {name: completed(question.call) for name, question in questions.items()}
            )
        except HostError as error:
            self.snapshot.forget()
            raise Failed(str(error), self.result()) from error
        self.snapshot.take(answer, questions)
        self._note_steps(steps, [answer.sections[name] for name in calls])
        return {id(step): answer.sections[name] for name, (_change, step) in zip(calls, steps, strict=True)}

    def _touched(self, changes: Iterable[Change]) -> Iterator[Question]:
        """Return the questions whose answers the changes may alter, and those that failed so far.

        What comes with a barrier is not known: a feature brings services, rules of the firewall, classes of WMI.
        """
        if any(step.barrier for change in changes for step in self._open(change)):
            yield from self._needed(self.wishes)
        for change in changes:
            if self._open(change):
                kind = change.wish.kind
                yield from (*kind.gathers, *kind.touches, *kind.asks(change.wish))
        for question in self._needed(self.wishes):
            section = self.snapshot.sections.get(question.name)
            if section is None or not (section.ok or (section.error and section.error.missing_item)):
                yield question

    def _note_steps(self, steps: Sequence[tuple[Change, Step]], sections: Sequence[Section]) -> None:
        for (change, step), section in zip(steps, sections, strict=True):
            entry = self.entries[_identity(change.wish)]
            if section.skipped:
                continue
            fault = _fault(section)
            if fault and step.otherwise:
                self._try_again(change.wish, step, fault)
            elif fault:
                entry.outcome = "failed"
                self._see_what_is_there()
                raise Failed(
                    f"{change.wish.label}: Windows refused {_named(step.call)}: {fault}", self.result()
                )
            entry.outcome = "changed"
            entry.calls.append(step.call)
            self._done.add(_signature(change, step))
            if step.blind:
                self._settled.add(_identity(change.wish))

    def _try_again(self, wish: Wish, step: Step, fault: str) -> None:
        """Make a call again that a program did not succeed in, as often as the step says; then warn of it."""
        for _attempt in range(1, step.attempts):
            answer = self.host.execute({"step": completed(step.call)})
            self.snapshot.take(answer, ())
            if not (fault := _fault(answer.sections["step"])):
                return
        self.warnings.append(f"{wish.label}: {_named(step.call)}: {fault} {step.otherwise}")

    def _reboot(self) -> None:
        self.host.reboot(self.options.reboot_timeout)
        self.snapshot.forget()
        self.rebooted, self.restart_owed = True, False

    def _repeats(self, change: Change, step: Step) -> bool:
        return step is not RESTART and _signature(change, step) in self._done

    def _complain(self) -> None:
        """Look once more before calling a change undone: a WMI property of the iSCSI target can be null for a moment
        (https://learn.microsoft.com/previous-versions/windows/desktop/iscsitarg/wt-disk). Raise Failed if it is.
        """
        self._look_again()
        left = [(change, step) for change in self.plan.changes for step in self._open(change)]
        still = [change for change, step in left if self._repeats(change, step)]
        if still:
            told = [text for change in still for text in _not_as_wanted(change)]
            self._see_what_is_there()
            raise Failed(
                "\n".join(
                    f"{text} The change was made without an error, and does not read back." for text in told
                ),
                self.result(),
            )

    # Telling --------------------------------------------------------------------------------------------------------------

    def _stop_at_problems(self) -> None:
        """Raise Failed with every refusal and every unmet need of the document, in its order."""
        problems = [*self._faults(), *self._namesakes()]
        lenient = self.options.check and self.options.lenient
        for change in self.plan.changes:
            unmet = [*change.unmet, *([] if self.options.reboot else _restarts(change))]
            self.warnings += unmet if lenient else []
            problems += [*change.refusals, *([] if lenient else unmet)]
        if problems:
            self._note_plan("not_reached")
            raise Failed("\n".join(problems), self.result())

    def _faults(self) -> list[str]:
        return [self.options.faults] if self.options.faults else []

    def _namesakes(self) -> Iterator[str]:
        """Return that another host of the inventory answered with the same computer name."""
        computer = self._state().computer
        name = f"{computer['Name']}.{computer['Domain']}"
        if others := self.options.namesakes(name) if self.options.namesakes else ():
            yield (
                f"The computer name {computer['Name']} is that of {', '.join(others)} as well. Rename one of the machines, or "
                "remove the second entry for the same machine from the inventory."
            )

    def _finish(self) -> None:
        """Make sure that nothing is left: not a step, and nothing that could not be known."""
        self._note_plan("unchanged")
        self.warnings += self.plan.ineffective
        left = [*self.plan.later, *self._left()]
        if left:
            self._see_what_is_there()
            raise Failed("\n".join(left), self.result())

    def _left(self) -> list[str]:
        """Return a sentence for everything that is not as wished. What cannot be read back is not known to differ."""
        changes = [
            change for change in self.plan.changes if any(not step.blind for step in self._open(change))
        ]
        return [text for change in changes for text in _not_as_wanted(change)]

    def _preview(self) -> Result:
        self._note_plan("planned")
        self.warnings += [f"This cannot be planned yet: {text}" for text in self.plan.later]
        self.warnings += self.plan.ineffective
        return self.result()

    def _note_plan(self, outcome: str) -> None:
        """Take the objects of the plan into the result; those with steps get the outcome, if they had none yet."""
        for change in self.plan.changes:
            before, after = shown(change.before, change.wish), shown(change.after, change.wish)
            entry = self.entries.setdefault(_identity(change.wish), Entry(change.wish, before, before))
            entry.after = after if outcome == "planned" else before
            if (self._open(change) or change.refusals or change.unmet) and outcome != "unchanged":
                entry.outcome = outcome
                if outcome == "planned":
                    entry.calls = [step.call for step in change.steps]
            elif entry.outcome == "not_reached":
                entry.outcome = "changed" if entry.calls else "unchanged"

    def _see_what_is_there(self) -> None:
        """Show of each object what the host has now, as far as the last answers tell."""
        for change in make_plan(self._state()).changes:
            if entry := self.entries.get(_identity(change.wish)):
                entry.after = shown(change.before, change.wish)

    def result(self) -> Result:
        """Return the result of the task as it stands."""
        entries = [entry.as_dict() for entry in self.entries.values()]
        changed = [entry for entry in entries if entry["changed"]]
        return {
            "changed": bool(changed) or self.rebooted,
            "objects": entries,
            "diff": [_diff(entry) for entry in changed],
            "refusals": list(self.plan.refusals),
            "unmet": list(self.plan.unmet),
            "reboot_required": self.restart_owed or any(_restarts(change) for change in self.plan.changes),
            "rebooted": self.rebooted,
            "warnings": list(dict.fromkeys([*self.plan.warnings, *self.warnings])),
        }


def _identity(wish: Wish) -> tuple[str, str]:
    return wish.kind.name, wish.key


def _signature(change: Change, step: Step) -> tuple[str, str, str]:
    return (*_identity(change.wish), repr(step.call.masked()))


def _with_consulted(kinds: Mapping[str, Kind], known: Kinds) -> list[Kind]:
    """Return the kinds and those that they consult, each once."""
    found = dict(kinds)
    waiting = list(kinds.values())
    while waiting:
        for name in waiting.pop().consults:
            if name not in found:
                found[name] = known[name]
                waiting.append(known[name])
    return list(found.values())


def _unreadable(state: HostState, kinds: Iterable[Kind]) -> Iterator[tuple[str, str]]:
    for kind in kinds:
        try:
            state.table(kind.name)
        except Unanswered:
            continue
        except WinstackError as error:
            yield kind.name, str(error)


def _fault(section: Section) -> str:
    """Return what went wrong with a step; empty if nothing did. A program tells it by its exit code alone."""
    if not section.ok:
        return reason(section.error)
    codes = [
        row["ExitCode"] for row in section.data if isinstance(row.get("ExitCode"), int) and row["ExitCode"]
    ]
    return f"exit code {_code(codes[0])}." if codes else ""


def _code(number: int) -> str:
    """Return an exit code as one looks it up: HRESULTs, which are negative, in hexadecimal digits."""
    return str(number) if number >= 0 else f"0x{number & 0xFFFFFFFF:08X}"


def _named(call: Call) -> str:
    return f"{call.cmdlet} {call.params.get('FilePath', '')}".rstrip()


def _not_as_wanted(change: Change) -> list[str]:
    """Return a sentence for each property that is not as wanted."""
    label, kind = change.wish.label, change.wish.kind
    if change.wish.absent:
        return [f"{label} is still there."]
    if change.before is None:
        return [f"{label} is not there."]
    rows = {row.option: row.type for row in kind.properties}
    told = [
        f"{label}: {diff.option} is {rows[diff.option].words(diff.have) if diff.option in rows else diff.have} and "
        f"{rows[diff.option].words(diff.want) if diff.option in rows else diff.want} was wanted."
        for diff in change.differences
    ]
    return told or [
        f"{label} is not as wanted: {', '.join(_named(step.call) for step in change.steps)} is due."
    ]


def _restarts(change: Change) -> list[str]:
    """Return that a change waits for a restart of the host, if it does."""
    if RESTART not in change.steps:
        return []
    return [f"{change.wish.label} waits for a restart of the host. Restart it, or set reboot: true."]


def _diff(entry: Mapping[str, t.Any]) -> Result:
    label = f"{entry['kind']} {entry['key']}".rstrip()
    return {
        "before_header": label,
        "after_header": label,
        "before": entry["before"],
        "after": entry["after"],
    }
