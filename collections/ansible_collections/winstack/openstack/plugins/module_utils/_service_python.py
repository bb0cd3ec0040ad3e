# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a helper script in the Python of a service. PRIVATE to the winstack collections."""

from __future__ import annotations

import json
import os
import shutil
import tempfile


def ask(module, python, script, job):
    """Run a helper with a job; give its answer. ``python`` is the command, ``script`` the imported helper.

    The folder is one that any user may enter, because the helper may run as the user of the service; it holds no secret.
    """
    folder = tempfile.mkdtemp(prefix="winstack-")
    try:
        return answer_of(module, python, script, job, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def answer_of(module, python, script, job, folder):
    """Write the helper into a folder and run it there; give its answer."""
    os.chmod(folder, 0o755)
    path = os.path.join(folder, os.path.basename(script.__name__.rpartition(".")[2]) + ".py")
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(source_of(script))
    os.chmod(path, 0o644)
    # -B: root leaves no compiled files behind that the service could not replace.
    try:
        status, output, error = module.run_command(
            [*python, "-B", path], data=json.dumps(job), cwd="/", handle_exceptions=False
        )
    except OSError as problem:
        return {"problem": f"{python[0]} cannot be started: {problem.strerror}"}
    start = script.ANSWER
    answers = [line[len(start) :] for line in output.splitlines() if line.startswith(start)]
    if answers:
        return json.loads(answers[-1])
    return {"problem": (error.strip().splitlines() or [f"exit status {status}"])[-1]}


def source_of(script):
    """Give the source of a helper, also of one in the zip file that Ansible runs modules from."""
    return script.__loader__.get_source(script.__name__)
