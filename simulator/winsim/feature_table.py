# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles, role services and features of Windows Server (facts, as a table).

Names and display names as ``Get-WindowsFeature`` prints them on Windows Server 2019 and 2022
(https://learn.microsoft.com/windows-server/administration/server-core/server-core-roles-and-services). Columns:
name, display name, kind (R role, S role service, F feature), parent, flags. Flags, separated by blanks:
``i`` installed on a fresh server, ``r`` restart needed to install, ``u`` restart needed to remove, ``x`` payload
removed from the image, ``gui`` only with Desktop Experience, ``dc`` Datacenter edition only,
``until=2016``/``since=2016`` releases, ``needs=A,B`` other features that come along, ``tools=A,B`` its management
tools. ``{dotnet}`` in a display name is the version of the .NET Framework that comes with the release.
"""

from __future__ import annotations

from typing import NamedTuple


class FeatureRow(NamedTuple):
    """One row of the table; see the module's text for the flags."""

    name: str
    display_name: str
    kind: str
    parent: str
    flags: str = ""


_TABLE = """
AD-Certificate|Active Directory Certificate Services|R||tools=RSAT-ADCS
ADCS-Cert-Authority|Certification Authority|S|AD-Certificate|tools=RSAT-ADCS-Mgmt
ADCS-Enroll-Web-Svc|Certificate Enrollment Web Service|S|AD-Certificate|needs=Web-Server
ADCS-Web-Enrollment|Certification Authority Web Enrollment|S|AD-Certificate|needs=Web-Server
ADCS-Device-Enrollment|Network Device Enrollment Service|S|AD-Certificate|needs=Web-Server
ADCS-Online-Cert|Online Responder|S|AD-Certificate|needs=Web-Server tools=RSAT-Online-Responder
AD-Domain-Services|Active Directory Domain Services|R||tools=RSAT-ADDS,GPMC
ADFS-Federation|Active Directory Federation Services|R||
ADLDS|Active Directory Lightweight Directory Services|R||tools=RSAT-ADLDS
ADRMS|Active Directory Rights Management Services|R||
DHCP|DHCP Server|R||tools=RSAT-DHCP
DNS|DNS Server|R||tools=RSAT-DNS-Server
Fax|Fax Server|R||gui
FileAndStorage-Services|File and Storage Services|R||i
File-Services|File and iSCSI Services|S|FileAndStorage-Services|
FS-FileServer|File Server|S|File-Services|u
FS-BranchCache|BranchCache for Network Files|S|File-Services|
FS-Data-Deduplication|Data Deduplication|S|File-Services|needs=FS-FileServer
FS-DFS-Namespace|DFS Namespaces|S|File-Services|needs=FS-FileServer tools=RSAT-DFS-Mgmt-Con
FS-DFS-Replication|DFS Replication|S|File-Services|needs=FS-FileServer tools=RSAT-DFS-Mgmt-Con
FS-Resource-Manager|File Server Resource Manager|S|File-Services|needs=FS-FileServer tools=RSAT-FSRM-Mgmt
FS-VSS-Agent|File Server VSS Agent Service|S|File-Services|needs=FS-FileServer
FS-iSCSITarget-Server|iSCSI Target Server|S|File-Services|needs=FS-FileServer
iSCSITarget-VSS-VDS|iSCSI Target Storage Provider (VDS and VSS hardware providers)|S|File-Services|needs=FS-FileServer
FS-NFS-Service|Server for NFS|S|File-Services|needs=FS-FileServer tools=RSAT-NFS-Admin
FS-SyncShareService|Work Folders|S|File-Services|needs=FS-FileServer
Storage-Services|Storage Services|S|FileAndStorage-Services|i
HostGuardianServiceRole|Host Guardian Service|R||since=2016 dc
Hyper-V|Hyper-V|R||r u tools=Hyper-V-Tools,Hyper-V-PowerShell
NetworkController|Network Controller|R||since=2016 dc r until=2022
NPAS|Network Policy and Access Services|R||tools=RSAT-NPAS gui
Print-Services|Print and Document Services|R||tools=RSAT-Print-Services
Print-Server|Print Server|S|Print-Services|
Print-LPD-Service|LPD Service|S|Print-Services|
RemoteAccess|Remote Access|R||tools=RSAT-RemoteAccess
DirectAccess-VPN|DirectAccess and VPN (RAS)|S|RemoteAccess|needs=RSAT-RemoteAccess-PowerShell
Routing|Routing|S|RemoteAccess|needs=DirectAccess-VPN
Web-Application-Proxy|Web Application Proxy|S|RemoteAccess|
Remote-Desktop-Services|Remote Desktop Services|R||
RDS-Connection-Broker|Remote Desktop Connection Broker|S|Remote-Desktop-Services|
RDS-Licensing|Remote Desktop Licensing|S|Remote-Desktop-Services|
RDS-RD-Server|Remote Desktop Session Host|S|Remote-Desktop-Services|r u gui
VolumeActivation|Volume Activation Services|R||tools=RSAT-VA-Tools
Web-Server|Web Server (IIS)|R||tools=Web-Mgmt-Tools,Web-Mgmt-Console needs=Web-Default-Doc,Web-Dir-Browsing,Web-Http-Errors,Web-Static-Content,Web-Http-Logging,Web-Stat-Compression,Web-Filtering
Web-WebServer|Web Server|S|Web-Server|
Web-Common-Http|Common HTTP Features|S|Web-WebServer|
Web-Default-Doc|Default Document|S|Web-Common-Http|
Web-Dir-Browsing|Directory Browsing|S|Web-Common-Http|
Web-Http-Errors|HTTP Errors|S|Web-Common-Http|
Web-Static-Content|Static Content|S|Web-Common-Http|
Web-Http-Redirect|HTTP Redirection|S|Web-Common-Http|
Web-DAV-Publishing|WebDAV Publishing|S|Web-Common-Http|
Web-Health|Health and Diagnostics|S|Web-WebServer|
Web-Http-Logging|HTTP Logging|S|Web-Health|
Web-Custom-Logging|Custom Logging|S|Web-Health|
Web-Log-Libraries|Logging Tools|S|Web-Health|
Web-ODBC-Logging|ODBC Logging|S|Web-Health|
Web-Request-Monitor|Request Monitor|S|Web-Health|
Web-Http-Tracing|Tracing|S|Web-Health|
Web-Performance|Performance|S|Web-WebServer|
Web-Stat-Compression|Static Content Compression|S|Web-Performance|
Web-Dyn-Compression|Dynamic Content Compression|S|Web-Performance|
Web-Security|Security|S|Web-WebServer|
Web-Filtering|Request Filtering|S|Web-Security|
Web-Basic-Auth|Basic Authentication|S|Web-Security|
Web-CertProvider|Centralized SSL Certificate Support|S|Web-Security|
Web-Client-Auth|Client Certificate Mapping Authentication|S|Web-Security|
Web-Digest-Auth|Digest Authentication|S|Web-Security|
Web-Cert-Auth|IIS Client Certificate Mapping Authentication|S|Web-Security|
Web-IP-Security|IP and Domain Restrictions|S|Web-Security|
Web-Url-Auth|URL Authorization|S|Web-Security|
Web-Windows-Auth|Windows Authentication|S|Web-Security|
Web-App-Dev|Application Development|S|Web-WebServer|
Web-Net-Ext|.NET Extensibility 3.5|S|Web-App-Dev|needs=NET-Framework-Core
Web-Net-Ext45|.NET Extensibility {dotnet}|S|Web-App-Dev|needs=NET-Framework-45-ASPNET
Web-AppInit|Application Initialization|S|Web-App-Dev|
Web-ASP|ASP|S|Web-App-Dev|needs=Web-ISAPI-Ext
Web-Asp-Net|ASP.NET 3.5|S|Web-App-Dev|needs=Web-Net-Ext,Web-ISAPI-Ext,Web-ISAPI-Filter
Web-Asp-Net45|ASP.NET {dotnet}|S|Web-App-Dev|needs=Web-Net-Ext45,Web-ISAPI-Ext,Web-ISAPI-Filter
Web-CGI|CGI|S|Web-App-Dev|
Web-ISAPI-Ext|ISAPI Extensions|S|Web-App-Dev|
Web-ISAPI-Filter|ISAPI Filters|S|Web-App-Dev|
Web-Includes|Server Side Includes|S|Web-App-Dev|
Web-WebSockets|WebSocket Protocol|S|Web-App-Dev|
Web-Ftp-Server|FTP Server|S|Web-Server|
Web-Ftp-Service|FTP Service|S|Web-Ftp-Server|
Web-Ftp-Ext|FTP Extensibility|S|Web-Ftp-Server|needs=Web-Ftp-Service
Web-Mgmt-Tools|Management Tools|S|Web-Server|
Web-Mgmt-Console|IIS Management Console|S|Web-Mgmt-Tools|gui
Web-Mgmt-Compat|IIS 6 Management Compatibility|S|Web-Mgmt-Tools|
Web-Metabase|IIS 6 Metabase Compatibility|S|Web-Mgmt-Compat|
Web-Scripting-Tools|IIS Management Scripts and Tools|S|Web-Mgmt-Tools|
Web-Mgmt-Service|Management Service|S|Web-Mgmt-Tools|needs=Web-Net-Ext45
WDS|Windows Deployment Services|R||tools=WDS-AdminPack
WDS-Deployment|Deployment Server|S|WDS|
WDS-Transport|Transport Server|S|WDS|
UpdateServices|Windows Server Update Services|R||tools=UpdateServices-RSAT needs=Web-Server
UpdateServices-Services|WSUS Services|S|UpdateServices|
UpdateServices-WidDB|WID Connectivity|S|UpdateServices|needs=Windows-Internal-Database
NET-Framework-Features|.NET Framework 3.5 Features|F||
NET-Framework-Core|.NET Framework 3.5 (includes .NET 2.0 and 3.0)|F|NET-Framework-Features|x
NET-HTTP-Activation|HTTP Activation|F|NET-Framework-Features|needs=NET-Framework-Core
NET-Framework-45-Features|.NET Framework {dotnet} Features|F||i
NET-Framework-45-Core|.NET Framework {dotnet}|F|NET-Framework-45-Features|i
NET-Framework-45-ASPNET|ASP.NET {dotnet}|F|NET-Framework-45-Features|
NET-WCF-Services45|WCF Services|F|NET-Framework-45-Features|i
NET-WCF-HTTP-Activation45|HTTP Activation|F|NET-WCF-Services45|needs=Web-Server,NET-Framework-45-ASPNET
NET-WCF-TCP-PortSharing45|TCP Port Sharing|F|NET-WCF-Services45|i
BITS|Background Intelligent Transfer Service (BITS)|F||
BITS-IIS-Ext|IIS Server Extension|F|BITS|needs=Web-Server
BITS-Compact-Server|Compact Server|F|BITS|
BitLocker|BitLocker Drive Encryption|F||r u tools=RSAT-Feature-Tools-BitLocker needs=EnhancedStorage
BitLocker-NetworkUnlock|BitLocker Network Unlock|F||r
BranchCache|BranchCache|F||
NFS-Client|Client for NFS|F||
Containers|Containers|F||r u since=2016
Data-Center-Bridging|Data Center Bridging|F||
Direct-Play|Direct Play|F||gui
EnhancedStorage|Enhanced Storage|F||r u
Failover-Clustering|Failover Clustering|F||r u tools=RSAT-Clustering
GPMC|Group Policy Management|F||
Web-WHC|IIS Hostable Web Core|F||
Internet-Print-Client|Internet Printing Client|F||gui
IPAM|IP Address Management (IPAM) Server|F||
LPR-Port-Monitor|LPR Port Monitor|F||
MSMQ|Message Queuing|F||
MSMQ-Services|Message Queuing Services|F|MSMQ|
MSMQ-Server|Message Queuing Server|F|MSMQ-Services|
Multipath-IO|Multipath I/O|F||r u
MultiPoint-Connector|MultiPoint Connector|F||since=2016 gui
NLB|Network Load Balancing|F||tools=RSAT-NLB
PNRP|Peer Name Resolution Protocol|F||
qWave|Quality Windows Audio Video Experience|F||
CMAK|RAS Connection Manager Administration Kit (CMAK)|F||gui
Remote-Assistance|Remote Assistance|F||gui
RDC|Remote Differential Compression|F||
RSAT|Remote Server Administration Tools|F||
RSAT-Feature-Tools|Feature Administration Tools|F|RSAT|
RSAT-SMTP|SMTP Server Tools|F|RSAT-Feature-Tools|gui until=2022
RSAT-Feature-Tools-BitLocker|BitLocker Drive Encryption Administration Utilities|F|RSAT-Feature-Tools|
RSAT-Clustering|Failover Clustering Tools|F|RSAT-Feature-Tools|
RSAT-Clustering-Mgmt|Failover Cluster Management Tools|F|RSAT-Clustering|gui
RSAT-Clustering-PowerShell|Failover Cluster Module for Windows PowerShell|F|RSAT-Clustering|
RSAT-Clustering-AutomationServer|Failover Cluster Automation Server|F|RSAT-Clustering|
RSAT-Clustering-CmdInterface|Failover Cluster Command Interface|F|RSAT-Clustering|
RSAT-NLB|Network Load Balancing Tools|F|RSAT-Feature-Tools|
RSAT-SNMP|SNMP Tools|F|RSAT-Feature-Tools|gui
RSAT-WINS|WINS Server Tools|F|RSAT-Feature-Tools|gui
RSAT-Role-Tools|Role Administration Tools|F|RSAT|
RSAT-AD-Tools|AD DS and AD LDS Tools|F|RSAT-Role-Tools|
RSAT-AD-PowerShell|Active Directory module for Windows PowerShell|F|RSAT-AD-Tools|
RSAT-ADDS|AD DS Tools|F|RSAT-AD-Tools|
RSAT-AD-AdminCenter|Active Directory Administrative Center|F|RSAT-ADDS|gui
RSAT-ADDS-Tools|AD DS Snap-Ins and Command-Line Tools|F|RSAT-ADDS|
RSAT-ADLDS|AD LDS Snap-Ins and Command-Line Tools|F|RSAT-AD-Tools|
RSAT-Hyper-V-Tools|Hyper-V Management Tools|F|RSAT-Role-Tools|
Hyper-V-Tools|Hyper-V GUI Management Tools|F|RSAT-Hyper-V-Tools|gui
Hyper-V-PowerShell|Hyper-V Module for Windows PowerShell|F|RSAT-Hyper-V-Tools|
RSAT-ADCS|Active Directory Certificate Services Tools|F|RSAT-Role-Tools|
RSAT-ADCS-Mgmt|Certification Authority Management Tools|F|RSAT-ADCS|
RSAT-Online-Responder|Online Responder Tools|F|RSAT-ADCS|gui
RSAT-DHCP|DHCP Server Tools|F|RSAT-Role-Tools|
RSAT-DNS-Server|DNS Server Tools|F|RSAT-Role-Tools|
RSAT-Fax|Fax Server Tools|F|RSAT-Role-Tools|gui
RSAT-File-Services|File Services Tools|F|RSAT-Role-Tools|
RSAT-DFS-Mgmt-Con|DFS Management Tools|F|RSAT-File-Services|
RSAT-FSRM-Mgmt|File Server Resource Manager Tools|F|RSAT-File-Services|
RSAT-NFS-Admin|Services for Network File System Management Tools|F|RSAT-File-Services|
RSAT-NPAS|Network Policy and Access Services Tools|F|RSAT-Role-Tools|gui
RSAT-Print-Services|Print and Document Services Tools|F|RSAT-Role-Tools|gui
RSAT-RemoteAccess|Remote Access Management Tools|F|RSAT-Role-Tools|
RSAT-RemoteAccess-Mgmt|Remote Access GUI and Command-Line Tools|F|RSAT-RemoteAccess|gui
RSAT-RemoteAccess-PowerShell|Remote Access module for Windows PowerShell|F|RSAT-RemoteAccess|
RSAT-VA-Tools|Volume Activation Tools|F|RSAT-Role-Tools|gui
WDS-AdminPack|Windows Deployment Services Tools|F|RSAT-Role-Tools|
UpdateServices-RSAT|Windows Server Update Services Tools|F|RSAT-Role-Tools|
RPC-over-HTTP-Proxy|RPC over HTTP Proxy|F||needs=Web-Server
Setup-and-Boot-Event-Collection|Setup and Boot Event Collection|F||since=2016
Simple-TCPIP|Simple TCP/IP Services|F||
FS-SMB1|SMB 1.0/CIFS File Sharing Support|F||r u
FS-SMBBW|SMB Bandwidth Limit|F||
SMTP-Server|SMTP Server|F||until=2022 gui
SNMP-Service|SNMP Service|F||tools=RSAT-SNMP
SNMP-WMI-Provider|SNMP WMI Provider|F|SNMP-Service|
Storage-Migration-Service|Storage Migration Service|F||since=2019
Storage-Replica|Storage Replica|F||since=2016 dc r u
System-Insights|System Insights|F||since=2019
Telnet-Client|Telnet Client|F||
Telnet-Server|Telnet Server|F||until=2012r2
TFTP-Client|TFTP Client|F||
Windows-Defender|Windows Defender Antivirus|F||i r u since=2016
Windows-Identity-Foundation|Windows Identity Foundation 3.5|F||
Windows-Internal-Database|Windows Internal Database|F||
PowerShellRoot|Windows PowerShell|F||i
PowerShell|Windows PowerShell 5.1|F|PowerShellRoot|i
PowerShell-V2|Windows PowerShell 2.0 Engine|F|PowerShellRoot|x until=2022
DSC-Service|Windows PowerShell Desired State Configuration Service|F|PowerShellRoot|needs=Web-Server
WindowsPowerShellWebAccess|Windows PowerShell Web Access|F|PowerShellRoot|needs=Web-Server until=2022
PowerShell-ISE|Windows PowerShell ISE|F|PowerShellRoot|gui i
WAS|Windows Process Activation Service|F||
WAS-Process-Model|Process Model|F|WAS|
WAS-NET-Environment|.NET Environment 3.5|F|WAS|needs=NET-Framework-Core
WAS-Config-APIs|Configuration APIs|F|WAS|
Search-Service|Windows Search Service|F||gui
Windows-Server-Backup|Windows Server Backup|F||
Migration|Windows Server Migration Tools|F||
WindowsStorageManagementService|Windows Standards-Based Storage Management|F||
Windows-TIFF-IFilter|Windows TIFF IFilter|F||gui
WinRM-IIS-Ext|WinRM IIS Extension|F||needs=Web-Server
WINS|WINS Server|F||tools=RSAT-WINS
Wireless-Networking|Wireless LAN Service|F||
WoW64-Support|WoW64 Support|F||i u
XPS-Viewer|XPS Viewer|F||gui i
"""

FEATURES: tuple[FeatureRow, ...] = tuple(FeatureRow(*line.split("|")) for line in _TABLE.strip().splitlines())
RELEASES = ("2012r2", "2016", "2019", "2022", "2025")
# Hyper-V Server (the free edition) and Nano have hardly any role; both lack the iSCSI target
# (https://docs.openstack.org/cinder/latest/configuration/block-storage/drivers/windows-iscsi-volume-driver.html).
MINIMAL_EDITIONS = {
    "hyperv": {"Hyper-V", "FileAndStorage-Services", "File-Services", "FS-FileServer", "Storage-Services"},
    "nano": {"FileAndStorage-Services", "File-Services", "FS-FileServer", "Storage-Services", "Hyper-V"},
}
MINIMAL_FEATURES = {
    "BitLocker", "EnhancedStorage", "Failover-Clustering", "Multipath-IO", "NET-Framework-45-Features",
    "NET-Framework-45-Core", "PowerShellRoot", "PowerShell", "RSAT", "RSAT-Role-Tools", "RSAT-Feature-Tools",
    "RSAT-Hyper-V-Tools", "Hyper-V-PowerShell", "RSAT-Clustering", "RSAT-Clustering-PowerShell",
    "SNMP-Service", "Telnet-Client", "WoW64-Support", "Windows-Defender", "Data-Center-Bridging",
}  # fmt: skip
