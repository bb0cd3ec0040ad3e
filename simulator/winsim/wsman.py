# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SOAP envelopes of WS-Management and of the Windows remote shell: requests in, replies and faults out.

Pure functions on bytes; nothing here knows hosts or sockets.
Sources: DMTF DSP0226 (WS-Management), [MS-WSMV] (the shell resource, fault details), and what pywinrm 0.5 and the
winrm connection plugin of ansible-core 2.19 to 2.22 read from the answers.
"""

from __future__ import annotations

import base64
import re
import uuid
from dataclasses import dataclass, field
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

CONTENT_TYPE = "application/soap+xml;charset=UTF-8"

S = "http://www.w3.org/2003/05/soap-envelope"
A = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
W = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
P = "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd"
X = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
RSP = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
WSMANFAULT = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"
WMIERROR = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/MSFT_WmiError"
IDENTIFY = "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"

CREATE, DELETE = f"{X}/Create", f"{X}/Delete"
COMMAND, SEND, RECEIVE, SIGNAL = f"{RSP}/Command", f"{RSP}/Send", f"{RSP}/Receive", f"{RSP}/Signal"
SHELL_URI = f"{RSP}/cmd"

# Decimal on the wire; names from wsmerror.h and winerror.h.
OPERATION_TIMED_OUT = 2150858793  # 0x80338029 ERROR_WSMAN_OPERATION_TIMEDOUT
SHELL_NOT_FOUND = 2150858843  # 0x8033805B ERROR_WSMAN_INVALID_SELECTORS
QUOTA_MAX_SHELLS = 2150859173  # 0x803381A5 ERROR_WSMAN_QUOTA_MAX_SHELLS
QUOTA_MAX_OPERATIONS = 2150859174  # 0x803381A6 ERROR_WSMAN_QUOTA_MAX_OPERATIONS
BUSY = 170  # ERROR_BUSY
INVALID_MESSAGE = 2150858757  # 0x80338005
NOT_SUPPORTED = 50  # ERROR_NOT_SUPPORTED

_DURATION = re.compile(r"^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$")


class BadMessage(ValueError):
    """The body is not an envelope that a WS-Management service can read."""


class WSManFault(Exception):
    """A SOAP fault to answer with. ``code`` is the decimal WSManFault code; ``wmi`` adds the MSFT_WmiError detail."""

    def __init__(
        self, code: int, reason: str, subcode: str, *, sender: bool = False, wmi: bool = False
    ) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.subcode = subcode
        self.sender = sender
        self.wmi = wmi


@dataclass(frozen=True)
class Request:
    """What the service needs of a request envelope; ``timeout`` in seconds."""

    action: str
    message_id: str
    resource_uri: str = ""
    shell_id: str | None = None
    timeout: float = 60.0
    max_envelope: int = 512000
    options: dict[str, str] = field(default_factory=dict)
    body: ElementTree.Element = field(default_factory=lambda: ElementTree.Element("Body"))

    @property
    def operation(self) -> str:
        """Last word of the action: Create, Command, Send, Receive, Signal, Delete, ..."""
        return self.action.rsplit("/", 1)[-1]


def parse_duration(text: str) -> float:
    """Seconds of an xs:duration such as ``PT20S``; BadMessage if it is none."""
    match = _DURATION.match(text.strip())
    if match is None or text.strip() in ("P", "PT"):
        raise BadMessage(f"not a duration: {text!r}")
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def parse_request(data: bytes) -> Request:
    """Read a request envelope. Raises BadMessage."""
    # WS-Management messages carry no DTD (SOAP 1.2 part 1, section 5): entity tricks end here.
    if b"<!DOCTYPE" in data[:4096]:
        raise BadMessage("a SOAP message must not contain a document type declaration")
    try:
        root = ElementTree.fromstring(data)
    except ElementTree.ParseError as error:
        raise BadMessage(f"not XML: {error}") from error
    body = root.find(f"{{{S}}}Body")
    if root.tag != f"{{{S}}}Envelope" or body is None:
        raise BadMessage("not a SOAP 1.2 envelope")
    header = root.find(f"{{{S}}}Header")
    if body.find(f"{{{IDENTIFY}}}Identify") is not None:
        return Request(action=f"{IDENTIFY}/Identify", message_id="", body=body)
    if header is None:
        raise BadMessage("an envelope without a header")
    return _from_header(header, body)


def _from_header(header: ElementTree.Element, body: ElementTree.Element) -> Request:
    options = {
        option.get("Name", ""): (option.text or "").strip()
        for option in header.iterfind(f"{{{W}}}OptionSet/{{{W}}}Option")
    }
    shell_id = None
    for selector in header.iterfind(f"{{{W}}}SelectorSet/{{{W}}}Selector"):
        if selector.get("Name") == "ShellId":
            shell_id = (selector.text or "").strip()
    return Request(
        action=_text(header, f"{{{A}}}Action"),
        message_id=_text(header, f"{{{A}}}MessageID"),
        resource_uri=_text(header, f"{{{W}}}ResourceURI"),
        shell_id=shell_id,
        timeout=parse_duration(_text(header, f"{{{W}}}OperationTimeout") or "PT60S"),
        max_envelope=int(_text(header, f"{{{W}}}MaxEnvelopeSize") or 512000),
        options=options,
        body=body,
    )


def _text(parent: ElementTree.Element, tag: str) -> str:
    return (parent.findtext(tag) or "").strip()


# Bodies of requests -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ShellRequest:
    """Body of Create: environment variables and working directory asked for (both optional)."""

    environment: dict[str, str]
    working_directory: str | None


def shell_request(body: ElementTree.Element) -> ShellRequest:
    """Body of Create."""
    shell = body.find(f"{{{RSP}}}Shell")
    if shell is None:
        raise BadMessage("Create without rsp:Shell")
    variables = {
        variable.get("Name", ""): variable.text or ""
        for variable in shell.iterfind(f"{{{RSP}}}Environment/{{{RSP}}}Variable")
    }
    return ShellRequest(variables, _text(shell, f"{{{RSP}}}WorkingDirectory") or None)


def command_line(body: ElementTree.Element) -> str:
    """Body of Command: the whole command line, Command and Arguments joined by a blank."""
    line = body.find(f"{{{RSP}}}CommandLine")
    if line is None:
        raise BadMessage("Command without rsp:CommandLine")
    parts = [line.findtext(f"{{{RSP}}}Command") or ""]
    parts += [argument.text or "" for argument in line.iterfind(f"{{{RSP}}}Arguments")]
    return " ".join(part for part in parts if part)


@dataclass(frozen=True)
class StreamData:
    """One rsp:Stream of Send."""

    command_id: str
    data: bytes
    end: bool


def send_streams(body: ElementTree.Element) -> list[StreamData]:
    """Body of Send."""
    streams = [
        StreamData(
            command_id=stream.get("CommandId", ""),
            data=_decode(stream.text or ""),
            end=stream.get("End", "").lower() in ("true", "1"),
        )
        for stream in body.iterfind(f"{{{RSP}}}Send/{{{RSP}}}Stream")
    ]
    if not streams:
        raise BadMessage("Send without rsp:Stream")
    return streams


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except ValueError as error:
        raise BadMessage(f"stream data is not base64: {error}") from error


def receive_command_id(body: ElementTree.Element) -> str:
    """Body of Receive: the command whose output is wanted."""
    stream = body.find(f"{{{RSP}}}Receive/{{{RSP}}}DesiredStream")
    if stream is None:
        raise BadMessage("Receive without rsp:DesiredStream")
    return stream.get("CommandId", "")


def signal_command(body: ElementTree.Element) -> tuple[str, str]:
    """Body of Signal: (command id, last word of the code: terminate, ctrl_c, ...)."""
    signal = body.find(f"{{{RSP}}}Signal")
    if signal is None:
        raise BadMessage("Signal without rsp:Signal")
    return signal.get("CommandId", ""), _text(signal, f"{{{RSP}}}Code").rsplit("/", 1)[-1]


# Replies ------------------------------------------------------------------------------------------------------


def _envelope(action: str, relates_to: str, body: str) -> bytes:
    text = (
        f'<s:Envelope xml:lang="en-US" xmlns:s="{S}" xmlns:a="{A}" xmlns:x="{X}" xmlns:w="{W}" xmlns:rsp="{RSP}" '
        f'xmlns:p="{P}"><s:Header><a:Action>{escape(action)}</a:Action>'
        f"<a:MessageID>uuid:{str(uuid.uuid4()).upper()}</a:MessageID>"
        f"<a:To>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:To>"
        f"<a:RelatesTo>{escape(relates_to)}</a:RelatesTo></s:Header><s:Body>{body}</s:Body></s:Envelope>"
    )
    return text.encode()


def create_response(request: Request, shell_id: str, address: str) -> bytes:
    """Reply to Create."""
    body = (
        f"<x:ResourceCreated><a:Address>{escape(address)}</a:Address><a:ReferenceParameters>"
        f"<w:ResourceURI>{SHELL_URI}</w:ResourceURI><w:SelectorSet>"
        f'<w:Selector Name="ShellId">{escape(shell_id)}</w:Selector></w:SelectorSet>'
        f"</a:ReferenceParameters></x:ResourceCreated>"
        f"<rsp:Shell><rsp:ShellId>{escape(shell_id)}</rsp:ShellId><rsp:ResourceUri>{SHELL_URI}</rsp:ResourceUri>"
        f"<rsp:InputStreams>stdin</rsp:InputStreams><rsp:OutputStreams>stdout stderr</rsp:OutputStreams></rsp:Shell>"
    )
    return _envelope(f"{X}/CreateResponse", request.message_id, body)


def command_response(request: Request, command_id: str) -> bytes:
    """Reply to Command."""
    body = f"<rsp:CommandResponse><rsp:CommandId>{escape(command_id)}</rsp:CommandId></rsp:CommandResponse>"
    return _envelope(f"{RSP}/CommandResponse", request.message_id, body)


def send_response(request: Request) -> bytes:
    """Reply to Send."""
    return _envelope(f"{RSP}/SendResponse", request.message_id, "<rsp:SendResponse/>")


def _stream(name: str, command_id: str, data: bytes, *, end: bool) -> str:
    attributes = f"Name={quoteattr(name)} CommandId={quoteattr(command_id)}" + (' End="true"' if end else "")
    return f"<rsp:Stream {attributes}>{base64.b64encode(data).decode()}</rsp:Stream>"


def receive_response(
    request: Request, command_id: str, stdout: bytes, stderr: bytes, exit_code: int | None
) -> bytes:
    """Reply to Receive; ``exit_code`` None means that the command still runs or has more output."""
    done = exit_code is not None
    body = "".join(
        _stream(name, command_id, data, end=done)
        for name, data in (("stdout", stdout), ("stderr", stderr))
        if data or done
    )
    state = f"{RSP}/CommandState/{'Done' if done else 'Running'}"
    body += f'<rsp:CommandState CommandId={quoteattr(command_id)} State="{state}">'
    if done:
        body += f"<rsp:ExitCode>{exit_code}</rsp:ExitCode>"
    body += "</rsp:CommandState>"
    return _envelope(
        f"{RSP}/ReceiveResponse", request.message_id, f"<rsp:ReceiveResponse>{body}</rsp:ReceiveResponse>"
    )


def signal_response(request: Request) -> bytes:
    """Reply to Signal."""
    return _envelope(f"{RSP}/SignalResponse", request.message_id, "<rsp:SignalResponse/>")


def delete_response(request: Request) -> bytes:
    """Reply to Delete."""
    return _envelope(f"{X}/DeleteResponse", request.message_id, "")


def identify_response(product_version: str) -> bytes:
    """Reply to Identify (DSP0226, section 11), which needs no authentication header of its own."""
    body = (
        f'<i:IdentifyResponse xmlns:i="{IDENTIFY}">'
        "<i:ProtocolVersion>http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd</i:ProtocolVersion>"
        "<i:ProductVendor>Microsoft Corporation</i:ProductVendor>"
        f"<i:ProductVersion>{escape(product_version)}</i:ProductVersion></i:IdentifyResponse>"
    )
    return f'<s:Envelope xmlns:s="{S}"><s:Header/><s:Body>{body}</s:Body></s:Envelope>'.encode()


# Faults -------------------------------------------------------------------------------------------------------


def timed_out() -> WSManFault:
    """No output within OperationTimeout: clients repeat the Receive."""
    return WSManFault(
        OPERATION_TIMED_OUT,
        "The WS-Management service cannot complete the operation within the time specified in OperationTimeout.",
        "w:TimedOut",
    )


def shell_not_found(shell_id: str | None) -> WSManFault:
    """The shell is unknown: never made, deleted, or lost by a reboot."""
    return WSManFault(
        SHELL_NOT_FOUND,
        f"The request for the Windows Remote Shell with ShellId {shell_id} failed because the shell was not found on "
        "the server. Possible causes are: the specified ShellId is incorrect or the shell no longer exists on the "
        "server. Provide the correct ShellId or create a new shell and retry the operation.",
        "w:InvalidSelectors",
        sender=True,
    )


def command_not_found(command_id: str) -> WSManFault:
    """The command is unknown in this shell."""
    return WSManFault(
        SHELL_NOT_FOUND,
        f"The request for the Windows Remote Shell command with CommandId {command_id} failed because the command was "
        "not found on the server.",
        "w:InvalidSelectors",
        sender=True,
    )


def quota_operations(limit: int) -> WSManFault:
    """Too many operations of one user (MaxConcurrentOperationsPerUser); ansible re-creates the shell."""
    return WSManFault(
        QUOTA_MAX_OPERATIONS,
        f"The WS-Management service cannot process the request. This user is allowed a maximum number of {limit} "
        "concurrent operations, which has been exceeded. Close existing operations for this user, or raise the quota "
        "for this user.",
        "w:InternalError",
        wmi=True,
    )


def quota_shells(limit: int) -> WSManFault:
    """Too many shells of one user (MaxShellsPerUser)."""
    return WSManFault(
        QUOTA_MAX_SHELLS,
        f"The WS-Management service cannot process the request. This user is allowed a maximum number of {limit} "
        "concurrent shells, which has been exceeded. Close existing shells or raise the quota for this user.",
        "w:QuotaLimit",
        wmi=True,
    )


def not_supported(what: str) -> WSManFault:
    """An action or resource that this service does not have."""
    return WSManFault(
        NOT_SUPPORTED,
        f"The requested operation is not supported: {what}",
        "a:ActionNotSupported",
        sender=True,
    )


def invalid_message(what: str) -> WSManFault:
    """An envelope that cannot be understood."""
    return WSManFault(
        INVALID_MESSAGE,
        f"The WS-Management service cannot process the request: {what}",
        "w:SchemaValidationError",
        sender=True,
    )


def fault_response(message_id: str, fault: WSManFault) -> bytes:
    """The envelope of a fault; HTTP status 500 goes with it."""
    namespace = A if fault.subcode.startswith("a:") else W
    detail = (
        f'<f:WSManFault xmlns:f="{WSMANFAULT}" Code="{fault.code}" Machine="localhost">'
        f"<f:Message>{escape(fault.reason)}</f:Message></f:WSManFault>"
    )
    if fault.wmi:
        detail += (
            f'<m:MSFT_WmiError xmlns:m="{WMIERROR}"><m:error_Code>{fault.code}</m:error_Code>'
            f"<m:error_Type>MI</m:error_Type><m:Message>{escape(fault.reason)}</m:Message></m:MSFT_WmiError>"
        )
    body = (
        f"<s:Fault><s:Code><s:Value>s:{'Sender' if fault.sender else 'Receiver'}</s:Value>"
        f"<s:Subcode><s:Value>{fault.subcode}</s:Value></s:Subcode></s:Code>"
        f'<s:Reason><s:Text xml:lang="en-US">{escape(fault.reason)}</s:Text></s:Reason>'
        f"<s:Detail>{detail}</s:Detail></s:Fault>"
    )
    return _envelope(
        f"{namespace.removesuffix('.xsd')}/fault"
        if namespace == A
        else f"{W[: -len('wsman.xsd')]}wsman/fault",
        message_id,
        body,
    )
