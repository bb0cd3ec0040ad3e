# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services that a freshly installed Windows Server has, and those that features bring (facts, as a table)."""

from __future__ import annotations

from typing import NamedTuple

_SVCHOST = "C:\\Windows\\system32\\svchost.exe -k "
LOCAL_SERVICE = "NT AUTHORITY\\LocalService"
NETWORK_SERVICE = "NT AUTHORITY\\NetworkService"


class ServiceRow(NamedTuple):
    """One row: see winsim.services.Service."""

    name: str
    display_name: str
    start_type: str = "manual"
    running: bool = False
    path: str = _SVCHOST + "netsvcs"
    username: str = "LocalSystem"
    dependencies: tuple[str, ...] = ()
    description: str = ""
    can_pause: bool = False
    can_stop: bool = True
    idle_stop: bool = False


def _row(name: str, display: str, start: str, path: str, *needs: str, **more: object) -> ServiceRow:
    full = path if path.startswith("C:") else _SVCHOST + path
    running = bool(more.pop("running", start in ("auto", "delayed")))
    return ServiceRow(name, display, start, running, full, dependencies=needs, **more)  # type: ignore[arg-type]


_FIXED = {"can_stop": False}
BASE_SERVICES: tuple[ServiceRow, ...] = (
    _row("DcomLaunch", "DCOM Server Process Launcher", "auto", "DcomLaunch -p", **_FIXED),
    _row("RpcEptMapper", "RPC Endpoint Mapper", "auto", "RPCSS -p", username=NETWORK_SERVICE, **_FIXED),
    _row(
        "RpcSs",
        "Remote Procedure Call (RPC)",
        "auto",
        "rpcss -p",
        "RpcEptMapper",
        "DcomLaunch",
        username=NETWORK_SERVICE,
        **_FIXED,
    ),
    _row("PlugPlay", "Plug and Play", "manual", "DcomLaunch -p", running=True),
    _row("Power", "Power", "auto", "DcomLaunch -p"),
    _row("SamSs", "Security Accounts Manager", "auto", "C:\\Windows\\system32\\lsass.exe", "RpcSs", **_FIXED),
    _row("EventLog", "Windows Event Log", "auto", "LocalServiceNetworkRestricted -p", username=LOCAL_SERVICE),
    _row("EventSystem", "COM+ Event System", "auto", "LocalService -p", "RpcSs", username=LOCAL_SERVICE),
    _row("ProfSvc", "User Profile Service", "auto", "UserProfileService -p", "RpcSs"),
    _row("gpsvc", "Group Policy Client", "auto", "netsvcs -p", "RpcSs", **_FIXED),
    _row("nsi", "Network Store Interface Service", "auto", "LocalService -p", username=LOCAL_SERVICE),
    _row("Dhcp", "DHCP Client", "auto", "LocalServiceNetworkRestricted -p", "nsi", username=LOCAL_SERVICE),
    _row(
        "Dnscache", "DNS Client", "auto", "NetworkService -p", "nsi", username=NETWORK_SERVICE, can_stop=False
    ),
    _row("NlaSvc", "Network Location Awareness", "auto", "NetworkService -p", "RpcSs", "EventLog"),
    _row("iphlpsvc", "IP Helper", "auto", "NetSvcs -p", "RpcSs", "nsi"),
    _row("BFE", "Base Filtering Engine", "auto", "LocalServiceNoNetworkFirewall -p", "RpcSs"),
    _row("mpssvc", "Windows Defender Firewall", "auto", "LocalServiceNoNetworkFirewall -p", "BFE"),
    _row(
        "CryptSvc", "Cryptographic Services", "auto", "NetworkService -p", "RpcSs", username=NETWORK_SERVICE
    ),
    _row(
        "Winmgmt",
        "Windows Management Instrumentation",
        "auto",
        "netsvcs -p",
        "RpcSs",
        description="Provides a common interface and object model to access management information about "
        "operating system, devices, applications and services.",
        can_pause=True,
    ),
    _row(
        "WinRM",
        "Windows Remote Management (WS-Management)",
        "auto",
        "NetworkService -p",
        "RpcSs",
        username=NETWORK_SERVICE,
        description="Windows Remote Management (WinRM) service implements the WS-Management protocol for "
        "remote management.",
    ),
    _row(
        "Schedule",
        "Task Scheduler",
        "auto",
        "netsvcs -p",
        "RpcSs",
        "EventLog",
        description="Enables a user to configure and schedule automated tasks on this computer.",
        can_stop=False,
    ),
    _row("SENS", "System Event Notification Service", "auto", "netsvcs -p", "EventSystem"),
    _row(
        "LanmanServer",
        "Server",
        "auto",
        "netsvcs -p",
        "SamSs",
        description="Supports file, print, and named-pipe sharing over the network for this computer.",
        can_pause=True,
    ),
    _row(
        "LanmanWorkstation",
        "Workstation",
        "auto",
        "NetworkService -p",
        "nsi",
        username=NETWORK_SERVICE,
        description="Creates and maintains client network connections to remote servers using the SMB protocol.",
        can_pause=True,
    ),
    _row("lmhosts", "TCP/IP NetBIOS Helper", "manual", "LocalServiceNetworkRestricted -p", running=True),
    _row(
        "Netlogon",
        "Netlogon",
        "manual",
        "C:\\Windows\\system32\\lsass.exe",
        "LanmanWorkstation",
        can_pause=True,
    ),
    _row(
        "W32Time",
        "Windows Time",
        "manual",
        "LocalService",
        username=LOCAL_SERVICE,
        description="Maintains date and time synchronization on all clients and servers in the network.",
    ),
    _row(
        "Spooler",
        "Print Spooler",
        "auto",
        "C:\\Windows\\System32\\spoolsv.exe",
        "RpcSs",
        description="This service spools print jobs and handles interaction with the printer.",
    ),
    _row(
        "MSiSCSI",
        "Microsoft iSCSI Initiator Service",
        "manual",
        "netsvcs -p",
        description="Manages Internet SCSI (iSCSI) sessions from this computer to remote iSCSI target devices.",
    ),
    _row(
        "BITS",
        "Background Intelligent Transfer Service",
        "manual",
        "netsvcs -p",
        "RpcSs",
        description="Transfers files in the background using idle network bandwidth.",
    ),
    _row("wuauserv", "Windows Update", "manual", "netsvcs -p", "RpcSs"),
    _row("UsoSvc", "Update Orchestrator Service", "auto", "netsvcs -p", "RpcSs"),
    _row(
        "TrustedInstaller",
        "Windows Modules Installer",
        "manual",
        "C:\\Windows\\servicing\\TrustedInstaller.exe",
    ),
    _row("msiserver", "Windows Installer", "manual", "C:\\Windows\\system32\\msiexec.exe /V", "RpcSs"),
    _row(
        "sppsvc",
        "Software Protection",
        "delayed",
        "C:\\Windows\\system32\\sppsvc.exe",
        "RpcSs",
        idle_stop=True,
    ),
    _row("TermService", "Remote Desktop Services", "manual", "termsvcs", "RpcSs", running=True),
    _row("SessionEnv", "Remote Desktop Configuration", "manual", "netsvcs -p", "RpcSs", running=True),
    _row(
        "UmRdpService",
        "Remote Desktop Services UserMode Port Redirector",
        "manual",
        "LocalSystem",
        "TermService",
    ),
    _row(
        "RemoteRegistry",
        "Remote Registry",
        "auto",
        "localService -p",
        "RpcSs",
        username=LOCAL_SERVICE,
        running=False,
        idle_stop=True,
        description="Enables remote users to modify registry settings on this computer.",
    ),
    _row("seclogon", "Secondary Logon", "manual", "netsvcs -p"),
    _row("SNMPTRAP", "SNMP Trap", "manual", "C:\\Windows\\System32\\snmptrap.exe", username=LOCAL_SERVICE),
    _row("VSS", "Volume Shadow Copy", "manual", "C:\\Windows\\system32\\vssvc.exe", "RpcSs"),
    _row("swprv", "Microsoft Software Shadow Copy Provider", "manual", "swprv", "RpcSs"),
    _row("vds", "Virtual Disk", "manual", "C:\\Windows\\System32\\vds.exe", "RpcSs"),
    _row("defragsvc", "Optimize drives", "manual", "defragsvc", "RpcSs"),
    _row(
        "AppIDSvc", "Application Identity", "manual", "LocalServiceNetworkRestricted -p", "RpcSs", "CryptSvc"
    ),
    _row("AppMgmt", "Application Management", "manual", "netsvcs -p"),
    _row("CertPropSvc", "Certificate Propagation", "manual", "netsvcs", "RpcSs", running=True),
    _row("COMSysApp", "COM+ System Application", "manual", "C:\\Windows\\system32\\dllhost.exe", "RpcSs"),
    _row(
        "MSDTC", "Distributed Transaction Coordinator", "delayed", "C:\\Windows\\System32\\msdtc.exe", "RpcSs"
    ),
    _row("RasMan", "Remote Access Connection Manager", "manual", "netsvcs", "RpcSs"),
    _row("RemoteAccess", "Routing and Remote Access", "disabled", "netsvcs", "RpcSs"),
    _row("SSDPSRV", "SSDP Discovery", "disabled", "LocalServiceAndNoImpersonation -p"),
    _row("upnphost", "UPnP Device Host", "disabled", "LocalServiceAndNoImpersonation -p", "SSDPSRV"),
    _row("WdiServiceHost", "Diagnostic Service Host", "manual", "LocalService -p"),
    _row(
        "WinDefend",
        "Windows Defender Antivirus Service",
        "auto",
        "C:\\ProgramData\\Microsoft\\Windows Defender\\MsMpEng.exe",
        "RpcSs",
        **_FIXED,
    ),
    _row(
        "WinHttpAutoProxySvc", "WinHTTP Web Proxy Auto-Discovery Service", "manual", "LocalService -p", "Dhcp"
    ),
    _row("vmicheartbeat", "Hyper-V Heartbeat Service", "manual", "ICService -p"),
    _row(
        "vmictimesync", "Hyper-V Time Synchronization Service", "manual", "LocalServiceNetworkRestricted -p"
    ),
    _row("LSM", "Local Session Manager", "auto", "DcomLaunch -p", "RpcSs", **_FIXED),
    _row("KeyIso", "CNG Key Isolation", "manual", "C:\\Windows\\system32\\lsass.exe", "RpcSs", running=True),
    _row("IKEEXT", "IKE and AuthIP IPsec Keying Modules", "auto", "netsvcs -p", "BFE", "nsi"),
    _row(
        "PolicyAgent",
        "IPsec Policy Agent",
        "manual",
        "NetworkServiceNetworkRestricted -p",
        "BFE",
        running=True,
    ),
    _row("Netman", "Network Connections", "manual", "LocalSystemNetworkRestricted -p", "RpcSs", "nsi"),
    _row("netprofm", "Network List Service", "manual", "LocalService -p", "RpcSs", "NlaSvc", running=True),
    _row("DPS", "Diagnostic Policy Service", "auto", "LocalServiceNoNetwork -p", username=LOCAL_SERVICE),
    _row("FontCache", "Windows Font Cache Service", "auto", "LocalService -p", username=LOCAL_SERVICE),
    _row("DiagTrack", "Connected User Experiences and Telemetry", "auto", "utcsvc -p", "RpcSs"),
    _row("SysMain", "SysMain", "auto", "LocalSystemNetworkRestricted -p", "RpcSs"),
    _row("StorSvc", "Storage Service", "manual", "LocalSystemNetworkRestricted -p"),
    _row("smphost", "Microsoft Storage Spaces SMP", "manual", "smphost", "RpcSs", username=NETWORK_SERVICE),
    _row("UALSVC", "User Access Logging Service", "auto", "LocalSystemNetworkRestricted -p", "Winmgmt"),
    _row("VaultSvc", "Credential Manager", "manual", "C:\\Windows\\system32\\lsass.exe", "RpcSs"),
    _row(
        "Wecsvc",
        "Windows Event Collector",
        "manual",
        "NetworkService -p",
        "EventLog",
        username=NETWORK_SERVICE,
    ),
    _row("WerSvc", "Windows Error Reporting Service", "manual", "WerSvcGroup"),
    _row("wmiApSrv", "WMI Performance Adapter", "manual", "C:\\Windows\\system32\\wbem\\WmiApSrv.exe"),
    _row(
        "pla",
        "Performance Logs & Alerts",
        "manual",
        "LocalServiceNoNetwork -p",
        "RpcSs",
        username=LOCAL_SERVICE,
    ),
    _row("SCardSvr", "Smart Card", "manual", "LocalServiceAndNoImpersonation", username=LOCAL_SERVICE),
    _row("ShellHWDetection", "Shell Hardware Detection", "auto", "netsvcs -p", "RpcSs"),
    _row(
        "SstpSvc",
        "Secure Socket Tunneling Protocol Service",
        "manual",
        "LocalService -p",
        username=LOCAL_SERVICE,
    ),
    _row("EFS", "Encrypting File System (EFS)", "manual", "C:\\Windows\\system32\\lsass.exe", "RpcSs"),
    _row("dot3svc", "Wired AutoConfig", "manual", "LocalSystemNetworkRestricted -p", "RpcSs"),
    _row("hidserv", "Human Interface Device Service", "manual", "LocalSystemNetworkRestricted -p"),
    _row("SharedAccess", "Internet Connection Sharing (ICS)", "disabled", "netsvcs -p", "BFE", running=False),
    _row(
        "vmickvpexchange",
        "Hyper-V Data Exchange Service",
        "manual",
        "LocalSystemNetworkRestricted -p",
        running=True,
    ),
    _row(
        "vmicshutdown",
        "Hyper-V Guest Shutdown Service",
        "manual",
        "LocalSystemNetworkRestricted -p",
        running=True,
    ),
    _row(
        "vmicvss",
        "Hyper-V Volume Shadow Copy Requestor",
        "manual",
        "LocalSystemNetworkRestricted -p",
        running=True,
    ),
    _row("Themes", "Themes", "auto", "netsvcs -p"),
    _row("Audiosrv", "Windows Audio", "manual", "LocalServiceNetworkRestricted -p", "RpcSs"),
)

# What Install-WindowsFeature registers, by feature name.
FEATURE_SERVICES: dict[str, tuple[ServiceRow, ...]] = {
    "FS-iSCSITarget-Server": (
        _row(
            "WinTarget",
            "Microsoft iSCSI Software Target",
            "auto",
            "C:\\Windows\\system32\\WinTarget.exe",
            "RpcSs",
            description="Manages the iSCSI Software Target and provides the storage of its virtual disks.",
        ),
    ),
    "iSCSITarget-VSS-VDS": (
        _row(
            "WTVssProvider",
            "iSCSI Target VSS Provider",
            "manual",
            "C:\\Windows\\system32\\svchost.exe -k wtvss",
        ),
    ),
    "Hyper-V": (
        _row(
            "vmms", "Hyper-V Virtual Machine Management", "auto", "C:\\Windows\\system32\\vmms.exe", "RpcSs"
        ),
        _row(
            "vmcompute",
            "Hyper-V Host Compute Service",
            "manual",
            "C:\\Windows\\system32\\vmcompute.exe",
            "RpcSs",
        ),
    ),
    "Web-WebServer": (
        _row("W3SVC", "World Wide Web Publishing Service", "auto", "iissvcs", "WAS", can_pause=True),
        _row("AppHostSvc", "Application Host Helper Service", "auto", "apphost"),
        _row("WAS", "Windows Process Activation Service", "manual", "iissvcs", "RpcSs", running=True),
    ),
    "Failover-Clustering": (
        _row("ClusSvc", "Cluster Service", "disabled", "C:\\Windows\\Cluster\\clussvc.exe", "RpcSs"),
    ),
    "SNMP-Service": (_row("SNMP", "SNMP Service", "auto", "C:\\Windows\\System32\\snmp.exe", "EventLog"),),
    "DNS": (_row("DNS", "DNS Server", "auto", "C:\\Windows\\system32\\dns.exe", "RpcSs", can_pause=True),),
    "DHCP": (_row("DHCPServer", "DHCP Server", "auto", "DHCPServer", "RpcSs", can_pause=True),),
    "FS-DFS-Replication": (
        _row("DFSR", "DFS Replication", "auto", "C:\\Windows\\system32\\DFSRs.exe", "RpcSs"),
    ),
    "FS-DFS-Namespace": (_row("Dfs", "DFS Namespace", "auto", "C:\\Windows\\system32\\dfssvc.exe", "RpcSs"),),
    "FS-NFS-Service": (
        _row("NfsService", "Server for NFS", "auto", "C:\\Windows\\system32\\nfssvc.exe", "RpcSs"),
    ),
    "FS-Data-Deduplication": (_row("ddpsvc", "Data Deduplication Service", "manual", "ddpsvc", "RpcSs"),),
    "NFS-Client": (_row("NfsClnt", "Client for NFS", "auto", "C:\\Windows\\system32\\nfsclnt.exe", "RpcSs"),),
    "WINS": (
        _row("WINS", "Windows Internet Name Service (WINS)", "auto", "C:\\Windows\\system32\\wins.exe"),
    ),
    "Windows-Server-Backup": (
        _row(
            "wbengine", "Block Level Backup Engine Service", "manual", "C:\\Windows\\system32\\wbengine.exe"
        ),
    ),
    "Telnet-Server": (_row("TlntSvr", "Telnet", "disabled", "C:\\Windows\\system32\\tlntsvr.exe", "RpcSs"),),
}
