# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Get-, Install- and Uninstall-WindowsFeature (module ServerManager).

https://learn.microsoft.com/powershell/module/servermanager; error ids and texts are those of console transcripts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from winsim.cmdlets import CmdletError, Enum, P, Params, PSObject, cmdlet
from winsim.errors import FeatureError, Unmodelled
from winsim.service_table import FEATURE_SERVICES

if TYPE_CHECKING:
    from winsim.features import Feature, FeatureOperation, FeatureResult
    from winsim.host import Host

_NAMESPACE = "Microsoft.Windows.ServerManager.Commands."
_UNKNOWN_FEATURE = "ArgumentNotValid"


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


def _check(command: str, host: Host, params: Params) -> None:
    """Nano has no such module; what concerns other computers and images is not modelled."""
    if host.os.edition == "nano":
        raise CmdletError(
            "System.Management.Automation.CommandNotFoundException",
            "CommandNotFoundException",
            f"The term '{command}' is not recognized as the name of a cmdlet, function, script file, or operable "
            "program. Check the spelling of the name, or if a path was included, verify that the path is correct and "
            "try again.",
            0x80131501,
        )
    for name in (
        "Vhd",
        "ComputerName",
        "Credential",
        "LogPath",
        "ConfigurationFilePath",
        "Restart",
        "Remove",
    ):
        if params.get(name):
            raise Unmodelled(f"{command} -{name}")


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
    _check("Get-WindowsFeature", host, params)
    if host.features.fails_while_pending and host.reboot_pending:  # some builds; the wording is [?]
        raise CmdletError(
            "System.Exception",
            f"ServerManagerError,{_NAMESPACE}GetWindowsFeatureCommand",
            "The request to list features available on the specified server failed. The server needs to be restarted.",
            0x80131500,
        )
    if "Name" not in params:
        return [feature_object(item) for item in host.features]
    found = {item.name: item for pattern in params["Name"] for item in host.features.match(pattern)}
    return [feature_object(item) for item in found.values()]


# Installing ---------------------------------------------------------------------------------------------------


def _operation_object(operation: FeatureOperation) -> PSObject:
    """FeatureOperationResult: Success, RestartNeeded (Yes, No, Maybe), FeatureResult, ExitCode."""
    properties = {
        "Success": operation.success,
        "RestartNeeded": Enum(operation.restart_needed),
        "FeatureResult": [_result_object(item) for item in operation.results],
        "ExitCode": Enum(operation.exit_code),
    }
    return PSObject(f"{_NAMESPACE}FeatureOperationResult", properties)


def _result_object(item: FeatureResult) -> PSObject:
    properties = {
        "Id": item.feature.id,
        "DisplayName": item.feature.display_name,
        "Message": list(item.messages),
        "RestartNeeded": item.restart_needed,
        "SkipReason": Enum(item.skip_reason),
        "Success": item.success,
    }
    return PSObject(f"{_NAMESPACE}FeatureResult", properties, item.feature.display_name)


def _refused(error: FeatureError, class_name: str) -> CmdletError:
    """A name that is unknown, or a payload that is missing (0x800f081f)."""
    unknown = error.message.startswith(_UNKNOWN_FEATURE)
    word = "NameDoesNotExist" if unknown else "DISMAPI_Error__Cbs_Download_Failure"
    return CmdletError("System.Exception", f"{word},{class_name}", error.message, 0x80131500)


_INSTALL_CLASS = f"{_NAMESPACE}AddWindowsFeatureCommand"
_REMOVE_CLASS = f"{_NAMESPACE}RemoveWindowsFeatureCommand"
_RUNNING, _VHD, _FILE = "ComponentNamesAndRunningComputer", "ComponentNamesAndVhdPath", "ConfigurationFile"
_SWITCH = "SwitchParameter"
_COMMON = {"ComputerName": P(aliases=("Cn",)), "Credential": P("PSCredential"), "LogPath": P()}


@cmdlet(
    "Install-WindowsFeature",
    module="ServerManager",
    class_name=_INSTALL_CLASS,
    changes=True,
    should_process=True,
    default_set=_RUNNING,
    parameters={
        "Name": P("Feature[]", mandatory=True, sets=(_RUNNING, _VHD)),
        "IncludeAllSubFeature": P(_SWITCH, sets=(_RUNNING, _VHD)),
        "IncludeManagementTools": P(_SWITCH, sets=(_RUNNING, _VHD)),
        "Restart": P(_SWITCH, sets=(_RUNNING, _FILE)),
        "Source": P("String[]"),
        "Vhd": P(mandatory=True, sets=(_VHD, _FILE), optional_in=(_FILE,)),
        "ConfigurationFilePath": P(mandatory=True, sets=(_FILE,)),
        **_COMMON,
    },
)
def install_windows_feature(host: Host, params: Params) -> list[Any]:
    """Install features with what they need; what wants a restart is pending until then."""
    _check("Install-WindowsFeature", host, params)
    sources = [path for path in params.get("Source", ()) if host.files.exists(path)]
    try:
        operation = host.features.install(
            params["Name"],
            subfeatures=params.switch("IncludeAllSubFeature"),
            tools=params.switch("IncludeManagementTools"),
            source=sources[0] if sources else None,
        )
    except FeatureError as error:
        raise _refused(error, _INSTALL_CLASS) from error
    return [_operation_object(operation)]


@cmdlet(
    "Uninstall-WindowsFeature",
    module="ServerManager",
    class_name=_REMOVE_CLASS,
    changes=True,
    should_process=True,
    default_set="RunningComputer",
    parameters={
        "Name": P("Feature[]", mandatory=True),
        "IncludeManagementTools": P(_SWITCH),
        "Remove": P(_SWITCH),
        "Restart": P(_SWITCH, sets=("RunningComputer",)),
        "Vhd": P(sets=("VhdPath",)),
        **_COMMON,
    },
)
def uninstall_windows_feature(host: Host, params: Params) -> list[Any]:
    """Remove features with everything below them and everything that needs them."""
    _check("Uninstall-WindowsFeature", host, params)
    try:
        operation = host.features.uninstall(params["Name"], tools=params.switch("IncludeManagementTools"))
    except FeatureError as error:
        raise _refused(error, _REMOVE_CLASS) from error
    return [_operation_object(operation)]
