#!/usr/bin/python
# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apt_plan
version_added: "0.1.0"
short_description: See what apt would do with packages, before a source or a pin is touched
description:
  - Lets apt simulate an installation, and tells which packages would come, go, rise and fall. Nothing on the target changes.
  - Sources, pins and keyrings of O(staged) count as if they were there already. They live in a temporary folder only, together with
    the indexes of O(refresh), so that a repository can be judged before the target trusts it.
  - What must not happen is listed in RV(refusals). The task does not fail because of them, so that a role can tell them together with
    what else it found.
  - The task counts as changed if packages would change, so that C(--diff) shows the plan.
options:
  packages:
    description: Packages to install, as C(name) or C(name=version). Without a version it is the candidate that the pins make.
    type: list
    elements: str
    default: []
  absent:
    description: Packages to remove.
    type: list
    elements: str
    default: []
  staged:
    description: Files that are to be as given for the plan.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: The path below C(/etc/apt/sources.list.d) or C(/etc/apt/preferences.d), or that of a keyring.
        type: path
        required: true
      content:
        description: The text of the file. The paths of other staged files in it are followed to where those are staged.
        type: str
      content_base64:
        description: The bytes of the file, as Base64. With neither this nor O(staged[].content) the file is to be absent.
        type: str
  refresh:
    description:
      - Paths of staged sources whose indexes are fetched.
      - If a repository does not answer, the indexes that apt has of it serve, with a warning. Without such the task fails.
    type: list
    elements: path
    default: []
  repository:
    description: The URL of the repository that O(packages) have to come from.
    type: str
  protected:
    description: Shell patterns of packages that must not be removed.
    type: list
    elements: str
    default: []
  allow_downgrade:
    description: Whether packages may get an older version.
    type: bool
    default: false
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - winstack.openstack.attributes
attributes:
  idempotent:
    support: partial
    details: It changes nothing, and yet counts as changed as long as packages would change.
  check_mode:
    support: full
    details: The module never changes anything.
  diff_mode:
    support: full
  platform:
    platforms: debian
author:
  - Winstack contributors (@winstack)
"""

EXAMPLES = r"""
- name: Plan the packages of a repository that is not trusted yet
  winstack.openstack.apt_plan:
    packages: [qemu-utils]
    repository: http://apt.vendor.example
    staged:
      - path: /etc/apt/sources.list.d/vendor.list
        content: "deb [signed-by=/usr/share/keyrings/vendor.gpg] http://apt.vendor.example stable main\n"
      - path: /usr/share/keyrings/vendor.gpg
        content_base64: "{{ verified_key.content_base64 }}"
    refresh: [/etc/apt/sources.list.d/vendor.list]
    protected: ["nova-*"]
  register: plan
"""

RETURN = r"""
changes:
  description: Versions C(before) and C(after) by package, null where there is none.
  returned: success
  type: dict
requests:
  description: Those of O(packages) that would change, as C(name=version).
  returned: success
  type: list
  elements: str
removals:
  description: Packages that would be removed.
  returned: success
  type: list
  elements: str
downgrades:
  description: Packages that would get an older version.
  returned: success
  type: list
  elements: str
refusals:
  description: Sentences about what must not happen; empty if the plan is good.
  returned: success
  type: list
  elements: str
automatic:
  description: Packages of the plan that are installed only because others need them.
  returned: success
  type: list
  elements: str
files:
  description: The staged files as they are on the target, as Base64, null where there is none.
  returned: success
  type: dict
stale:
  description: Staged files that are another way on the target.
  returned: success
  type: list
  elements: str
"""

import base64
import glob
import os
import shutil

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.winstack.openstack.plugins.module_utils import _apt_simulation as simulation

ETC = "/etc/apt"
LISTS = "/var/lib/apt/lists"
ARGUMENTS = {
    "packages": {"type": "list", "elements": "str", "default": []},
    "absent": {"type": "list", "elements": "str", "default": []},
    "staged": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "mutually_exclusive": [("content", "content_base64")],
        "options": {
            "path": {"type": "path", "required": True},
            "content": {"type": "str"},
            "content_base64": {"type": "str"},
        },
    },
    "refresh": {"type": "list", "elements": "path", "default": []},
    "repository": {"type": "str"},
    "protected": {"type": "list", "elements": "str", "default": []},
    "allow_downgrade": {"type": "bool", "default": False},
}
# Hooks of an update would run for the staged indexes: they belong to the real ones.
CONFIGURATION = """\
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
Dir::Etc::SourceList "{stage}/etc/sources.list";
Dir::Etc::SourceParts "{stage}/etc/sources.list.d";
Dir::Etc::Preferences "{stage}/etc/preferences";
Dir::Etc::PreferencesParts "{stage}/etc/preferences.d";
Dir::State::Lists "{stage}/lists";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
APT::Get::List-Cleanup "false";
APT::Sandbox::User "root";
Debug::NoLocking "true";
"""


def read(path):
    """The bytes of a file; None if there is none."""
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except FileNotFoundError:
        return None


def write(path, data):
    """A new file of the stage."""
    with open(path, "wb") as stream:
        stream.write(data)


def wanted_bytes(entry):
    """The bytes of a staged file; None if it is to be absent."""
    if entry["content"] is not None:
        return entry["content"].encode()
    return None if entry["content_base64"] is None else base64.b64decode(entry["content_base64"])


class Stage:
    """A temporary configuration of apt: the target's own one with the staged files in it."""

    def __init__(self, module):
        self.module = module
        self.folder = os.path.join(module.tmpdir, "apt-plan")
        self.files = {entry["path"]: wanted_bytes(entry) for entry in module.params["staged"]}
        self.warnings = []

    def make(self):
        """Copy what apt is configured with, and put the staged files over it."""
        for part in ("lists/partial", "etc", "keyrings", "refresh"):
            os.makedirs(os.path.join(self.folder, part))
        for part in ("sources.list.d", "preferences.d"):
            source, target = os.path.join(ETC, part), os.path.join(self.folder, "etc", part)
            shutil.copytree(source, target) if os.path.isdir(source) else os.makedirs(target)
        for name in ("sources.list", "preferences"):
            if os.path.isfile(os.path.join(ETC, name)):
                shutil.copy(os.path.join(ETC, name), os.path.join(self.folder, "etc", name))
        for path in glob.glob(os.path.join(LISTS, "*_*")):
            os.symlink(path, os.path.join(self.folder, "lists", os.path.basename(path)))
        for path in self.files:
            self.place(path)
        write(self.path("apt.conf"), CONFIGURATION.format(stage=self.folder).encode())

    def path(self, *parts):
        """A path in the stage."""
        return os.path.join(self.folder, *parts)

    def staged(self, path):
        """Where a file is staged."""
        folder, name = os.path.split(path)
        known = {ETC + "/sources.list.d": "etc/sources.list.d", ETC + "/preferences.d": "etc/preferences.d"}
        return self.path(known.get(folder, "keyrings"), name)

    def place(self, path):
        """Write a staged file, or take it out of the copy."""
        data, target = self.files[path], self.staged(path)
        if data is not None:
            for other in self.files:
                data = data.replace(other.encode(), self.staged(other).encode())
            write(target, data)
        elif os.path.exists(target):
            os.unlink(target)

    def run(self, *command, **options):
        """Run a program of apt in the stage; status and output, errors included."""
        variables = {"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
        line = [command[0], "-c", self.path("apt.conf"), *options.get("options", ()), *command[1:]]
        status, out, err = self.module.run_command(line, environ_update=variables)
        return status, out + err

    def refresh(self):
        """Fetch the indexes of some sources into the stage."""
        for path in self.module.params["refresh"]:
            shutil.copy(self.staged(path), self.path("refresh"))
        parts = ["Dir::Etc::SourceList=/dev/null", "Dir::Etc::SourceParts=" + self.path("refresh")]
        options = [word for part in [*parts, "Acquire::Retries=1"] for word in ("-o", part)]
        status, output = self.run("apt-get", "update", options=options)
        complaints = " ".join(self.real_paths(line) for line in simulation.errors_of(output))
        where = self.module.params["repository"] or ", ".join(self.module.params["refresh"])
        # For apt a server that does not answer is no error, whether it has older indexes or none.
        if status or (complaints and not self.run("apt-get", "indextargets", options=options)[1].strip()):
            self.module.fail_json(
                msg=f"The repository {where} cannot be used, and nothing was changed. Apt says: {complaints} Check its address and"
                " suite, whether it still serves, and whether it is signed by the key that was given."
            )
        if complaints:
            self.warnings.append(
                f"The repository {where} did not answer as it should; the indexes that apt has of it serve. Apt says:"
                f" {complaints}"
            )

    def real_paths(self, line):
        """A sentence of apt with the paths that the staged files will have."""
        for path in self.files:
            line = line.replace(self.staged(path), path)
        return line

    def preferences(self):
        """Every text of pins but the staged ones, with where it is."""
        for path in [ETC + "/preferences", *sorted(glob.glob(ETC + "/preferences.d/*"))]:
            data = None if path in self.files else read(path)
            if data is not None:
                yield path, data.decode("utf-8", "replace")


class Plan:
    """What apt would do, and what of it must not be."""

    def __init__(self, stage):
        self.stage = stage
        self.params = stage.module.params
        self.changes = {}
        self.refusals = []
        self.requests = []

    def make(self):
        """Ask apt, then judge."""
        wanted = [simulation.parse_request(text) for text in self.params["packages"]]
        offers = self.offers([name for name, _version in wanted])
        self.refuse_what_is_not_offered(wanted, offers)
        self.refuse_pins_of_other_repositories()
        if self.refusals:
            return
        self.simulate()
        self.refuse_other_versions(wanted, offers)
        self.refuse_removals_and_downgrades()
        self.requests = [f"{name}={self.changes[name][1]}" for name, _version in wanted if self.after(name)]

    def offers(self, names):
        """Versions by package that the repository (or any, where none is named) offers."""
        if not names:
            return {}
        _status, output = self.stage.run("apt-cache", "madison", *names)
        url = (self.params["repository"] or "").rstrip("/")
        found = simulation.parse_madison(output)
        return {name: [v for v, where in found.get(name, ()) if not url or where == url] for name in names}

    def refuse_what_is_not_offered(self, wanted, offers):
        """Packages that cannot be had."""
        where = self.params["repository"] or "any repository"
        for name, version in wanted:
            if version and version == self.installed(name):
                continue
            if not offers[name]:
                self.refusals.append(f"{name} is not offered by {where}: leave it out.")
            elif version and version not in offers[name]:
                self.refusals.append(
                    "{} {} is not offered by {}, which has {}.".format(
                        name, version, where, ", ".join(offers[name])
                    )
                )

    def refuse_pins_of_other_repositories(self):
        """Staged pins by a host that serves other repositories too, which are not meant."""
        repository = (self.params["repository"] or "").rstrip("/")
        staged = "\n".join(entry["content"] or "" for entry in self.params["staged"])
        pinned = simulation.pinned_hosts(staged) if repository else set()
        known = simulation.parse_policy(self.stage.run("apt-cache", "policy")[1]) if pinned else {}
        for url, host in sorted(known.items()):
            if host in pinned and url != repository:
                self.refusals.append(
                    f"The pins by 'origin {host}' would hit {url} as well: pin by 'release' and what tells"
                    f" {repository} apart (o=, l=, a=; see apt-cache policy)."
                )

    def simulate(self):
        """Let apt solve it; removals and downgrades are seen here and judged later."""
        names = self.params["packages"] + [
            f"{name}-" for name in self.params["absent"] if self.installed(name)
        ]
        if not names:
            return
        status, output = self.stage.run(
            "apt-get", "install", "--simulate", "--yes", "--allow-downgrades", *names
        )
        if status:
            lines = [
                line.strip() for line in output.splitlines() if "Depends:" in line or "Conflicts:" in line
            ]
            self.refusals.append(
                "Apt finds no way: {}".format(" ".join([*simulation.errors_of(output), *lines]))
            )
        self.changes = simulation.parse_simulation(output)

    def after(self, name):
        """The version that a package would change to; None where it does not."""
        return self.changes.get(name, (None, None))[1]

    def refuse_other_versions(self, wanted, offers):
        """Packages that would not come from the repository, since another pin or version wins."""
        if not self.params["repository"]:
            return
        for name, _version in wanted:
            version = self.after(name) or self.installed(name)
            if version and version not in offers[name]:
                self.refusals.append(
                    "{} would be at {}, which is not from {} (that offers {}): pin it.".format(
                        name, version, self.params["repository"], ", ".join(offers[name])
                    )
                )

    def installed(self, name):
        """The version that is installed."""
        command = ["dpkg-query", "--show", "--showformat=${db:Status-Status} ${Version}", name]
        _status, out, _err = self.stage.module.run_command(command)
        return out.split()[1] if out.startswith("installed ") else None

    def removals(self):
        """Packages that would go."""
        return sorted(name for name, (_before, after) in self.changes.items() if after is None)

    def downgrades(self):
        """Packages that would get an older version."""
        return sorted(name for name, (before, after) in self.changes.items() if self.is_older(after, before))

    def is_older(self, version, than):
        """Whether a version is older than another one, by dpkg's rules."""
        if version is None or than is None:
            return False
        return self.stage.module.run_command(["dpkg", "--compare-versions", version, "lt", than])[0] == 0

    def refuse_removals_and_downgrades(self):
        """What would hurt services or guests."""
        wanted = set(self.params["absent"])
        removed = [name for name in self.removals() if name not in wanted]
        for name in simulation.protected_removals(removed, self.params["protected"]):
            self.refusals.append(f"{name} would be removed, and is protected.")
        for name in [] if self.params["allow_downgrade"] else self.downgrades():
            self.refusals.append(
                "{} would go down from {} to {}, which is not allowed (allow_downgrade).".format(
                    name, *self.changes[name]
                )
            )

    def automatic(self):
        """Packages of the plan that are marked as installed automatically."""
        _status, out, _err = self.stage.module.run_command(["apt-mark", "showauto"])
        return sorted(set(out.split()) & set(self.changes))


def check_input(module):
    """Refuse what apt would take for something else."""
    try:
        for text in module.params["packages"] + module.params["absent"]:
            simulation.parse_request(text)
    except ValueError as error:
        module.fail_json(msg=str(error))
    unstaged = set(module.params["refresh"]) - {entry["path"] for entry in module.params["staged"]}
    if unstaged:
        module.fail_json(msg="These files of refresh are not staged: {}.".format(", ".join(sorted(unstaged))))


def encoded(data):
    """Bytes as Base64; None stays."""
    return None if data is None else base64.b64encode(data).decode()


def main():
    """Stage, ask, tell."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    check_input(module)
    stage = Stage(module)
    stage.make()
    if module.params["refresh"]:
        stage.refresh()
    plan = Plan(stage)
    plan.make()
    for path, text in stage.preferences():
        for pin in simulation.sweeping_pins(text):
            module.warn(
                f"{path} pins every package of '{pin}' so that it may fall to an older version: name the packages there"
                " instead."
            )
    for warning in stage.warnings:
        module.warn(warning)
    files = {path: read(path) for path in stage.files}
    module.exit_json(
        changed=bool(plan.changes),
        changes={
            name: {"before": before, "after": after} for name, (before, after) in sorted(plan.changes.items())
        },
        requests=plan.requests,
        removals=plan.removals(),
        downgrades=plan.downgrades(),
        refusals=plan.refusals,
        automatic=plan.automatic(),
        files={path: encoded(data) for path, data in files.items()},
        stale=sorted(path for path, data in files.items() if data != stage.files[path]),
        diff={
            "before": simulation.table(plan.changes, 0),
            "after": simulation.table(plan.changes, 1),
            "before_header": "packages as they are",
            "after_header": "packages as planned",
        },
    )


if __name__ == "__main__":
    main()
