# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""win_feature and win_feature_info."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from winsim.errors import FeatureError, ModuleFailure
from winsim.features import Feature, FeatureOperation, FeatureResult
from winsim.modules import module
from winsim.psspec import read_spec
from winsim.service_table import FEATURE_SERVICES

if TYPE_CHECKING:
    from winsim.host import Host
    from winsim.invoke import ModuleContext


@module("ansible.windows.win_feature")
def win_feature(host: Host, ctx: ModuleContext) -> dict[str, Any]:
    """Install or remove features; before 3.6.1 the module is a Legacy one and wraps the errors."""
    source = ctx.params.get("source")
    wanted = read_spec(ctx.source).kind == "basic" or ctx.params["state"].lower() == "present"
    if source and wanted and not host.files.exists(source):
        raise ModuleFailure(f"Failed to find source path {source} for feature install", changed=False)
    try:
        operation = _operate(host, ctx)
    except FeatureError as error:
        if read_spec(ctx.source).kind != "legacy":
            raise
        verb = "install" if ctx.params["state"].lower() == "present" else "uninstall"
        raise ModuleFailure(f"Failed to {verb} Windows Feature: {error.message}") from None
    return _result(operation)


def _operate(host: Host, ctx: ModuleContext) -> FeatureOperation:
    params = ctx.params
    if params["state"].lower() == "present":
        return host.features.install(
            params["name"],
            subfeatures=params["include_sub_features"],
            tools=params["include_management_tools"],
            source=params.get("source"),
            what_if=ctx.check_mode,
        )
    return host.features.uninstall(
        params["name"], tools=params["include_management_tools"], what_if=ctx.check_mode
    )


def _result(operation: FeatureOperation) -> dict[str, Any]:
    return {
        "changed": bool(operation.results),
        "exitcode": operation.exit_code,
        "failed": not operation.success,
        "feature_result": [_line(item) for item in operation.results],
        "reboot_required": operation.restart_needed == "Yes",
        "success": operation.success,
    }


def _line(item: FeatureResult) -> dict[str, Any]:
    return {
        "id": item.feature.id,
        "display_name": item.feature.display_name,
        "message": [{"message_type": "Warning", "error_code": 0, "text": text} for text in item.messages],
        "reboot_required": item.restart_needed,
        "skip_reason": item.skip_reason,
        "success": item.success,
    }


@module("ansible.windows.win_feature_info")
def win_feature_info(host: Host, ctx: ModuleContext) -> dict[str, Any]:
    """Features by a wildcard; an unknown name is no error."""
    found = host.features.match(ctx.params["name"])
    return {"exists": bool(found), "features": [_info(feature) for feature in found]}


def _info(feature: Feature) -> dict[str, Any]:
    return {
        "name": feature.name,
        "display_name": feature.display_name,
        "description": feature.display_name,
        "installed": feature.installed,
        "install_state": feature.state,
        "feature_type": feature.kind,
        "path": feature.path,
        "depth": feature.depth,
        "depends_on": feature.needs,
        "parent": feature.parent,
        "server_component_descriptor": f"ServerComponent_{feature.name.replace('-', '_')}",
        "sub_features": feature.subfeatures,
        "system_service": [row.name for row in FEATURE_SERVICES.get(feature.name, ())],
        "best_practices_model_id": None,
        "event_query": None,
        "post_configuration_needed": False,
        "additional_info": {
            "MajorVersion": 10,
            "MinorVersion": 0,
            "NumericId": feature.id,
            "InstallName": feature.name,
        },
    }
