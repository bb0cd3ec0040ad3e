# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the HTML documentation: the guides of docs/ and a generated page for each module and role."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "build" / "docs"
SITE = ROOT / "docs" / "_site"
COLLECTIONS = ("winstack.windows", "winstack.openstack")

SETTINGS = """
project = "Winstack"
copyright = "Contributors to the Winstack project"
extensions = ["sphinx_antsibull_ext", "myst_parser"]
html_theme = "sphinx_ansible_theme"
html_title = "Winstack"
html_show_sphinx = False
display_version = False
pygments_style = "ansible"
highlight_language = "YAML+Jinja"
default_role = "any"
nitpicky = False
exclude_patterns = ["_site"]
# Pages of other collections and of Ansible are not here, and nothing is fetched while building.
suppress_warnings = ["ref.ref", "ref.any", "ref.envvar", "myst.xref_missing", "config.cache"]
"""

INDEX = """
Winstack
========

.. toctree::
   :maxdepth: 1
   :caption: Guides
   :glob:

   guides/**

.. toctree::
   :maxdepth: 2
   :caption: Reference

   collections/index
"""


def run(*command: str) -> None:
    """Run a tool of the environment with the checkout's collections; end when it fails."""
    scripts = str(Path(sys.executable).parent)
    own = {
        "PATH": os.pathsep.join([scripts, os.environ.get("PATH", os.defpath)]),
        "ANSIBLE_HOME": str(ROOT / "build" / "ansible"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
    }
    if subprocess.run(command, env=os.environ | own, cwd=ROOT).returncode:
        sys.exit(f"Failed: {' '.join(command)}")


def main() -> None:
    """Write the sources under build/docs and the pages under docs/_site."""
    shutil.rmtree(SOURCE, ignore_errors=True)
    SOURCE.mkdir(parents=True)
    (SOURCE / "conf.py").write_text(SETTINGS, encoding="utf-8")
    (SOURCE / "index.rst").write_text(INDEX, encoding="utf-8")
    shutil.copytree(ROOT / "docs", SOURCE / "guides", ignore=shutil.ignore_patterns("_*"))
    pages = f"--dest-dir={SOURCE}"
    run(
        "antsibull-docs",
        "collection",
        "--use-current",
        "--fail-on-error",
        pages,
        *COLLECTIONS,
    )
    run("sphinx-build", "--quiet", "-b", "html", str(SOURCE), str(SITE))
    print(f"See {SITE / 'index.html'}")


if __name__ == "__main__":
    main()
