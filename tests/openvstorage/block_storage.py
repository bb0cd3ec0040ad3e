# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Serve the real cinder-api on loopback, with a database in a file and a keystone that says yes to everybody.

Runs in the Python of cinder: ``block_storage.py FOLDER``. Prints the address of the keystone, and serves until it is ended.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

# What cinder's noauth middleware reads from a token: user and project, of which the latter has to be hexadecimal.
PROJECT = "0" * 32
TOKEN = f"admin:{PROJECT}"
CONF = """[DEFAULT]
auth_strategy = noauth
transport_url = fake:/
api_paste_config = {prefix}/etc/cinder/api-paste.ini
resource_query_filters_file = {prefix}/etc/cinder/resource_filters.json
state_path = {folder}
log_file = {folder}/cinder.log
enabled_backends = vpool1
[database]
connection = sqlite:///{folder}/cinder.sqlite
[oslo_concurrency]
lock_path = {folder}
"""


class Quiet(WSGIRequestHandler):
    """Does not write a line for each request."""

    def log_message(self, *arguments: Any) -> None:
        """Nothing."""


def cinder_api(folder: Path) -> Any:
    """The application, with an empty database."""
    conf = folder / "cinder.conf"
    conf.write_text(CONF.format(folder=folder, prefix=sys.prefix))
    sys.argv = ["cinder-api", f"--config-file={conf}"]
    import sqlalchemy
    from cinder.db.sqlalchemy import models
    from cinder.wsgi.wsgi import initialize_application

    models.BASE.metadata.create_all(sqlalchemy.create_engine(f"sqlite:///{folder}/cinder.sqlite"))
    return initialize_application()


def keystone(own: str, cinder: str) -> Callable[[dict[str, Any], Any], Iterable[bytes]]:
    """The version of the interface, and a token with the one service."""
    version = {"id": "v3.14", "status": "stable", "links": [{"rel": "self", "href": f"{own}/v3/"}]}
    endpoint = {
        "id": "1",
        "interface": "public",
        "region": "R",
        "region_id": "R",
        "url": f"{cinder}/v3/{PROJECT}",
    }
    token = {
        "methods": ["password"],
        "expires_at": "2099-01-01T00:00:00.000000Z",
        "user": {"id": "admin", "name": "admin", "domain": {"id": "default", "name": "Default"}},
        "project": {"id": PROJECT, "name": "admin", "domain": {"id": "default", "name": "Default"}},
        "catalog": [{"id": "1", "type": "block-storage", "name": "cinder", "endpoints": [endpoint]}],
    }

    def application(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        posted = environ["REQUEST_METHOD"] == "POST"
        body = {"token": token} if posted else {"version": version}
        headers = [("Content-Type", "application/json"), ("X-Subject-Token", TOKEN)]
        start("201 Created" if posted else "200 OK", headers)
        return [json.dumps(body).encode()]

    return application


def main() -> None:
    """Serve both."""
    cinder = make_server("127.0.0.1", 0, cinder_api(Path(sys.argv[1])), handler_class=Quiet)
    gate = make_server("127.0.0.1", 0, None, handler_class=Quiet)  # type: ignore[arg-type]
    own, other = (f"http://127.0.0.1:{server.server_port}" for server in (gate, cinder))
    gate.set_app(keystone(own, other))
    threading.Thread(target=cinder.serve_forever, daemon=True).start()
    print(f"{own}/v3", flush=True)
    gate.serve_forever()


if __name__ == "__main__":
    main()
