# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Linux nodes for tests: Debian with systemd in podman containers.

The root file systems are made by mmdebstrap from the Debian archive that this machine's own apt uses (or the one
that DEBIAN_MIRROR names), and are kept as podman images, one for each recipe. Nodes have no network but their own
loopback, unless they are started with another one; Ansible reaches them through ``containers.podman.podman``.

Everything that talks to podman needs the variable CONTAINERS_CONF of ``nodes.py environment``: runc and plain
cgroupfs work on every cgroup layout, and the limits keep podman from asking for more than a container may have.

What is missing or refused here ends the run with a sentence and the status 3, so that tests can be skipped with
that reason. Only the standard library is used.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "containers"
CONF = FOLDER / "containers.conf"
UNAVAILABLE = 3
CONF_TEXT = """\
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=4096:4096"]
"""
# What every node has, and what a release has on top.
PACKAGES = (
    "systemd", "systemd-sysv", "dbus", "python3", "python3-apt", "python3-venv", "sudo", "iproute2", "procps",
    "ca-certificates", "gnupg", "apt-utils",
)  # fmt: skip
RELEASES: dict[str, tuple[str, ...]] = {
    "bullseye": ("python2.7",),
    "bookworm": (),
    "trixie": (),
}
# Without its archive a node does not ask it in vain at each `apt-get update`.
HOOKS = ('rm -f "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/*', 'rm -f "$1"/etc/machine-id')
LABEL = "winstack.checkout"
CHECKOUT = hashlib.sha256(str(ROOT).encode()).hexdigest()[:8]
BOOT_SECONDS = 60


class Unavailable(Exception):
    """Nodes cannot be had here; the text says why and what helps."""


class CommandFailed(Exception):
    """A command in a node failed; the text is the command and what it said."""


@dataclass(frozen=True)
class Node:
    """A node that runs."""

    name: str
    release: str
    container: str

    def command(self, *arguments: str) -> list[str]:
        """The command that runs another one in the node."""
        return ["podman", "exec", "-i", self.container, *arguments]

    def run(self, *arguments: str, text: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command in the node, with text on its standard input."""
        done = subprocess.run(
            self.command(*arguments), input=text, capture_output=True, text=True, env=environment()
        )
        if check and done.returncode:
            raise CommandFailed(f"{shlex.join(arguments)} on {self.name}: {done.stdout}{done.stderr}")
        return done

    def shell(self, script: str, *, check: bool = True) -> str:
        """What a script of the POSIX shell prints in the node."""
        return self.run("sh", "-euc", script, check=check).stdout

    def put(self, path: str, text: str) -> None:
        """Write a file in the node; its folder has to be there."""
        self.run("tee", path, text=text)

    def variables(self) -> dict[str, str]:
        """What Ansible's inventory says of the node."""
        return {
            "ansible_connection": "containers.podman.podman",
            "ansible_host": self.container,
            "ansible_python_interpreter": "/usr/bin/python3",
        }


@dataclass(frozen=True)
class Recipe:
    """What an image is made from; another recipe is another image."""

    release: str
    extra: tuple[str, ...] = field(default=())

    def packages(self) -> list[str]:
        """Debian packages of the image, those that they depend on left out."""
        return sorted({*PACKAGES, *RELEASES[self.release], *self.extra})

    def image(self) -> str:
        """The name of the image in podman's store."""
        text = "\0".join([self.release, *self.packages(), *HOOKS])
        return f"localhost/winstack-node:{self.release}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def environment() -> dict[str, str]:
    """The variables for podman and for Ansible; writes the file that one of them names."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    if not CONF.is_file() or CONF.read_text(encoding="utf-8") != CONF_TEXT:
        CONF.write_text(CONF_TEXT, encoding="utf-8")
    return os.environ | {"CONTAINERS_CONF": str(CONF), "LC_ALL": "C.UTF-8"}


def call(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a command whose failure is for the caller to judge."""
    return subprocess.run(command, capture_output=True, text=True, env=environment())


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    """The line of an error that tells most: the last one."""
    lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
    return lines[-1] if lines else f"status {done.returncode}"


def need_tools() -> None:
    """Refuse when a program is missing."""
    missing = [tool for tool in ("podman", "runc", "mmdebstrap") if shutil.which(tool) is None]
    if missing:
        raise Unavailable(f"{', '.join(missing)} not installed: run `make deps-containers`.")


# The archive ---------------------------------------------------------------------------------------------------


def codename() -> str:
    """The release of this machine, such as ``bookworm``; empty where it is none of Debian."""
    try:
        lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    found = dict(line.split("=", 1) for line in lines if "=" in line)
    return found.get("VERSION_CODENAME", "").strip('"') if found.get("ID") == "debian" else ""


def choose_archive(targets: str, release: str) -> str | None:
    """The archive among lines ``ORIGIN|LABEL|RELEASE|COMPONENT|URL``; the first two are unknown before an update."""
    rows = [line.split("|") for line in targets.splitlines() if line.count("|") == 4]
    fit = [row for row in rows if row[2] == release and row[3] == "main"]
    best = [row for row in fit if row[:2] == ["Debian", "Debian"]] or fit
    return best[0][4] if best else None


def archive() -> str:
    """The URL of the Debian archive: DEBIAN_MIRROR, or the one that this machine's apt uses."""
    if url := os.environ.get("DEBIAN_MIRROR"):
        return url
    if shutil.which("apt-get") is None or not codename():
        raise Unavailable("This is not Debian: name an archive of Debian in DEBIAN_MIRROR.")
    fields = "$(ORIGIN)|$(LABEL)|$(RELEASE)|$(COMPONENT)|$(REPO_URI)"
    done = call("apt-get", "indextargets", "--format", fields, "Created-By: Packages")
    url = choose_archive(done.stdout, codename())
    if url is None:
        raise Unavailable("The sources of apt name no archive of Debian: name one in DEBIAN_MIRROR.")
    return url


# Images --------------------------------------------------------------------------------------------------------


@contextmanager
def alone(name: str) -> Iterator[None]:
    """Hold the lock of a name, so that two runs do not make the same thing."""
    environment()
    with open(FOLDER / f"{name}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def has_image(recipe: Recipe) -> bool:
    """Whether podman has the image."""
    return call("podman", "image", "exists", recipe.image()).returncode == 0


def make_image(recipe: Recipe) -> str:
    """The name of the image, which is made if it is missing; that takes a minute or several."""
    need_tools()
    with alone(recipe.release):
        if not has_image(recipe):
            build(recipe, FOLDER / f"{recipe.release}.tar")
    return recipe.image()


def build(recipe: Recipe, tar: Path) -> None:
    """Make a root file system and import it; the archive file does not stay."""
    print(f"Making an image of Debian {recipe.release} ...", file=sys.stderr, flush=True)
    started = time.monotonic()
    command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(recipe.packages())}"]
    command += ["--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*"]
    command += [f"--customize-hook={hook}" for hook in HOOKS]
    try:
        done = call(*command, recipe.release, str(tar), archive())
        if done.returncode:
            raise Unavailable(f"mmdebstrap could not make Debian {recipe.release}: {last_line(done)}")
        done = call("podman", "import", str(tar), recipe.image())
        if done.returncode:
            raise Unavailable(f"podman could not import Debian {recipe.release}: {last_line(done)}")
    finally:
        tar.unlink(missing_ok=True)
    print(f"Made {recipe.image()} in {time.monotonic() - started:.0f} s.", file=sys.stderr, flush=True)


# Nodes ---------------------------------------------------------------------------------------------------------


def container_of(name: str) -> str:
    """The container of a node; checkouts beside each other do not meet."""
    return f"winstack-{CHECKOUT}-{name}"


def start(
    name: str, recipe: Recipe, *, image: str = "", network: str = "none", options: tuple[str, ...] = ()
) -> Node:
    """Start a node anew, from its recipe or a kept image, and wait for its systemd; one of this name ends first."""
    image = image or make_image(recipe)
    node = Node(name, recipe.release, container_of(name))
    stop(name)
    command = ["podman", "run", "--detach", f"--name={node.container}", f"--hostname={name}"]
    command += ["--systemd=always", f"--network={network}", f"--label={LABEL}={CHECKOUT}", *options]
    done = call(*command, image, "/lib/systemd/systemd")
    if done.returncode:
        stop(name)
        raise Unavailable(f"podman cannot run a container with systemd here: {last_line(done)}")
    wait(node)
    return node


def wait(node: Node) -> None:
    """Wait until systemd has started everything."""
    end = time.monotonic() + BOOT_SECONDS
    state = "never asked"
    while time.monotonic() < end:
        state = last_line(node.run("systemctl", "is-system-running", check=False))
        if state in ("running", "degraded"):
            return
        time.sleep(0.5)
    stop(node.name)
    raise Unavailable(f"systemd did not start in a container within {BOOT_SECONDS} s; its state: {state}")


def stop(*names: str) -> None:
    """End nodes and forget them; those that are not there are none the worse."""
    if names:
        call("podman", "rm", "--force", "--time=0", "--volumes", "--ignore", *map(container_of, names))


def keep(node: Node, image: str) -> None:
    """Keep what is in a node as an image, to start others from."""
    done = call("podman", "commit", "--quiet", "--pause=false", node.container, image)
    if done.returncode:
        raise Unavailable(f"podman cannot keep a node as an image: {last_line(done)}")


def forget(image: str) -> None:
    """Delete an image that was kept."""
    call("podman", "rmi", "--force", image)


def running() -> list[str]:
    """Names of this checkout's nodes."""
    done = call("podman", "ps", "--all", f"--filter=label={LABEL}={CHECKOUT}", "--format={{.Names}}")
    return [line.removeprefix(container_of("")) for line in done.stdout.split()]


def remove_images() -> None:
    """Delete the images of every recipe; nodes that use one keep it."""
    listed = call(
        "podman", "images", "--format={{.Repository}}:{{.Tag}}", "--filter=reference=*/winstack-node"
    )
    for image in listed.stdout.split():
        call("podman", "rmi", image)


# Command line --------------------------------------------------------------------------------------------------


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    image = verbs.add_parser("image", help="make the images of releases (all of them by default)")
    image.add_argument("releases", nargs="*", metavar="RELEASE", help=", ".join(RELEASES))
    begin = verbs.add_parser("start", help="start a node and print its inventory variables as JSON")
    begin.add_argument("name")
    begin.add_argument("--release", choices=RELEASES, default="bookworm")
    begin.add_argument("--include", default="", help="more Debian packages, with commas between them")
    begin.add_argument("--network", default="none", help="network of podman run")
    begin.add_argument("--podman", default="", help="more options of podman run, in one argument")
    end = verbs.add_parser("stop", help="end nodes (all of this checkout by default)")
    end.add_argument("names", nargs="*")
    verbs.add_parser("list", help="print the names of this checkout's nodes")
    verbs.add_parser("environment", help="print the variable that podman and Ansible need")
    verbs.add_parser("check", help="start a node and end it again: whether nodes can be had here")
    verbs.add_parser("remove-images", help="delete the images")
    return parser.parse_args()


def main() -> int:
    """Do what the command line says."""
    options = parse()
    try:
        perform(options)
    except Unavailable as error:
        print(error, file=sys.stderr)
        return UNAVAILABLE
    return 0


def perform(options: argparse.Namespace) -> None:
    """One verb."""
    if options.verb == "image":
        for release in options.releases or RELEASES:
            print(make_image(Recipe(release)))
    elif options.verb == "start":
        recipe = Recipe(options.release, tuple(filter(None, options.include.split(","))))
        extra = tuple(shlex.split(options.podman))
        print(json.dumps(start(options.name, recipe, network=options.network, options=extra).variables()))
    elif options.verb == "stop":
        stop(*(options.names or running()))
    elif options.verb == "list":
        print("\n".join(running()))
    elif options.verb == "environment":
        print(f"CONTAINERS_CONF={environment()['CONTAINERS_CONF']}")
    elif options.verb == "check":
        start("check", Recipe("bookworm"))
        stop("check")
    elif options.verb == "remove-images":
        remove_images()


if __name__ == "__main__":
    sys.exit(main())
