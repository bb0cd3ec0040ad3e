# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Get-WindowsFeature (module ServerManager, made of functions).

Installing and removing goes through ansible.windows.win_feature, so only the reading cmdlet is here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from winsim.cmdlets import CmdletError, Enum, P, Params, PSObject, cmdlet
from winsim.errors import Unmodelled
from winsim.service_table import FEATURE_SERVICES

if TYPE_CHECKING:
    from winsim.features import Feature
    from winsim.host import Host


def feature_object(feature: Feature) -> PSObject:
    """Microsoft.Windows.ServerManager.Commands.Feature."""
    properties = {
        "Name": feature.name,
        "DisplayName": feature.display_name,
        "Description": "",
        "Installed": feature.installed,
        "InstallState": Enum(feature.state),
        "FeatureType": feature.kind,
        "Path": feature.path,
        "Depth": feature.depth,
        "DependsOn": list(feature.needs),
        "Parent": feature.parent,
        "SubFeatures": list(feature.subfeatures),
        "SystemService": [service.name for service in FEATURE_SERVICES.get(feature.name, ())],
        "PostConfigurationNeeded": False,
    }
    return PSObject(
        "Microsoft.Windows.ServerManager.Commands.Feature", properties, feature.name, source=feature
    )


@cmdlet(
    "Get-WindowsFeature",
    module="ServerManager",
    is_function=True,
    parameters={
        "Name": P("String[]"),
        "Vhd": P(),
        "ComputerName": P(aliases=("Cn",)),
        "Credential": P("System.Management.Automation.PSCredential"),
        "LogPath": P(),
    },
)
def get_windows_feature(host: Host, params: Params) -> list[Any]:
    """Features by name or wildcard; a name that this edition does not have gives nothing [?]."""
    if host.os.edition == "nano":
        raise CmdletError(
            "System.Management.Automation.CommandNotFoundException",
            "CommandNotFoundException",
            "The term 'Get-WindowsFeature' is not recognized as the name of a cmdlet, function, script file, or "
            "operable program. Check the spelling of the name, or if a path was included, verify that the path is "
            "correct and try again.",
            0x80131501,
        )
    for name in ("Vhd", "ComputerName", "LogPath"):
        if params.get(name):
            raise Unmodelled(f"Get-WindowsFeature -{name}")
    if "Name" not in params:
        return [feature_object(item) for item in host.features]
    found = {item.name: item for pattern in params["Name"] for item in host.features.match(pattern)}
    return [feature_object(item) for item in found.values()]
