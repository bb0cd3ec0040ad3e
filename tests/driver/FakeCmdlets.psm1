# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Cmdlets for the harness of the driver: they give every kind of value that Windows cmdlets give, and tell what they were
# given. Written for Windows PowerShell 5.1 and PowerShell 7, in ASCII, since 5.1 reads files without a byte order mark in
# the code page of the machine.

$script:State = 'untouched'
$script:Seen = New-Object -TypeName 'System.Collections.Generic.List[string]'

# What was called, in order; the harness asks for it after each case.
function Get-FakeCall {
    [CmdletBinding()]
    param()
    foreach ($text in $script:Seen) { $text }
}

# One object with a property for every kind of value.
function Get-FakeValue {
    [CmdletBinding()]
    param()
    $script:Seen.Add('Get-FakeValue')
    $utc = [datetime]::new(2026, 1, 2, 3, 4, 5, [System.DateTimeKind]::Utc)
    $guid = [guid]'4F27F2DE-14E2-430B-A549-7CD48CBC8245'
    $endpoint = [System.Net.IPEndPoint]::new([System.Net.IPAddress]::Parse('10.0.0.5'), 3260)
    [PSCustomObject]@{
        Null = $null
        True = $true
        False = $false
        Text = 'plain'
        Empty = ''
        DateLike = '2026-01-02T03:04:05Z'
        Quotes = 'C:\a "b" ''c'' <d> & / = $x `n'
        Unicode = 'Gr' + [char]0xF6 + [char]0xDF + 'e ' + [char]0x65E5 + ' ' + [char]0xD83D + [char]0xDE00
        Control = 'a' + [char]9 + 'b' + [char]10 + 'c' + [char]1
        Enum = [System.DayOfWeek]::Friday
        Flags = [System.IO.FileAttributes]'ReadOnly, Hidden'
        Utc = $utc
        Local = $utc.ToLocalTime()
        Precise = $utc.AddTicks(1234567)
        Span = [timespan]'00:01:30'
        ShortSpan = [timespan]'00:00:00.5000000'
        Guid = $guid
        UInt64 = [uint64]::MaxValue
        Int64 = [long]::MinValue
        UInt32 = [uint32]::MaxValue
        Int32 = [int]::MinValue
        UInt16 = [uint16]65535
        Byte = [byte]255
        Zero = 0
        Double = [double]1.5
        Decimal = [decimal]2.5
        Char = [char]'x'
        Version = [version]'10.0.20348'
        Endpoint = $endpoint
        One = @('a')
        None = @()
        Many = @(1, 2, 3)
        Bytes = [byte[]]@(1, 255)
        Mixed = @($null, $true, 7, 'a', [System.DayOfWeek]::Friday, $utc, $guid)
        Count = 4
    }
}

# Two objects with collections of objects, as Get-IscsiServerTarget gives them.
function Get-FakeTarget {
    [CmdletBinding()]
    param()
    $script:Seen.Add('Get-FakeTarget')
    $address = [System.Net.IPAddress]::Parse('10.0.0.5')
    [PSCustomObject]@{
        TargetName = 'one'
        LunMappings = @([PSCustomObject]@{ Path = 'C:\a.vhdx'; Lun = 0 })
        Portals = @([System.Net.IPEndPoint]::new($address, 3260), [System.Net.IPEndPoint]::new($address, 3261))
        Scalar = [PSCustomObject]@{ Path = 'C:\b.vhdx'; Lun = 1 }
    }
    [PSCustomObject]@{ TargetName = 'two'; LunMappings = @(); Portals = @(); Scalar = $null }
}

# An object whose property names are not known beforehand, as Get-ItemProperty gives a registry key.
function Get-FakeKey {
    [CmdletBinding()]
    param()
    $script:Seen.Add('Get-FakeKey')
    [PSCustomObject]@{
        '{GUID-1}' = 'v2.31|Action=Allow|LPort=3260|EmbedCtxt=Winstack|'
        '{GUID-2}' = 'v2.31|Action=Allow|EmbedCtxt=Other|'
        'Core' = 'v2.31|Action=Block|embedctxt=WINSTACK|'
        'Number' = 7
        'PSPath' = 'Registry::x'
    }
}

# Tells what it was given.
function Get-FakeArgument {
    [CmdletBinding()]
    param(
        [object]$Any, [string]$Text, [string[]]$Texts, [object[]]$List, [uint64]$Size, [int]$Number, [bool]$Truth,
        [switch]$Switch, [System.DayOfWeek]$Day, [timespan]$Span
    )
    $script:Seen.Add('Get-FakeArgument')
    $type = 'null'
    if ($null -ne $Any) { $type = $Any.GetType().FullName }
    $given = @($PSBoundParameters.Keys | Where-Object { $_ -ne 'ErrorAction' } | Sort-Object)
    [PSCustomObject]@{
        Given = $given -join ' '
        Any = $Any
        AnyType = $type
        Text = $Text
        Texts = $Texts
        ListTypes = @(foreach ($item in $List) { if ($null -eq $item) { 'null' } else { $item.GetType().Name } })
        Size = $Size
        Number = $Number
        Truth = $Truth
        Switch = $Switch.IsPresent
        Day = $Day
        Span = $Span
    }
}

# Fails in the ways in which cmdlets fail.
function Get-FakeError {
    [CmdletBinding()]
    param([string]$Kind)
    $script:Seen.Add("Get-FakeError $Kind")
    if ($Kind -eq 'written') { Write-Error -Message 'Only written.' -ErrorId 'FakeWritten' }
    if ($Kind -eq 'stopped') {
        # 0x80070426, ERROR_SERVICE_NOT_ACTIVE
        $exception = [System.Runtime.InteropServices.COMException]::new('The service is stopped.', -2147023834)
        $record = [System.Management.Automation.ErrorRecord]::new($exception, 'FakeStopped', 'InvalidOperation', $null)
        $PSCmdlet.ThrowTerminatingError($record)
    }
    [PSCustomObject]@{ Value = 'after the error' }
}

function Get-FakeState {
    [CmdletBinding()]
    param()
    $script:Seen.Add('Get-FakeState')
    [PSCustomObject]@{ State = $script:State }
}

# Changes something; -Fail refuses.
function Set-FakeState {
    [CmdletBinding(SupportsShouldProcess)]
    param([string]$State, [switch]$Fail)
    $script:Seen.Add("Set-FakeState $State")
    if (-not $PSCmdlet.ShouldProcess($State)) { return }
    if ($Fail) {
        $exception = [System.UnauthorizedAccessException]::new('Access is denied.')
        $record = [System.Management.Automation.ErrorRecord]::new($exception, 'FakeDenied', 'PermissionDenied', $null)
        $PSCmdlet.ThrowTerminatingError($record)
    }
    $script:State = $State
    [PSCustomObject]@{ ExitCode = 0 }
}

# Proves that a secret arrived without giving it back: its SHA-256.
function Get-FakeHash {
    [CmdletBinding()]
    param([pscredential]$Credential, [System.Security.SecureString]$Secure)
    $script:Seen.Add('Get-FakeHash')
    $user = ''
    if ($Credential) { $user = $Credential.UserName }
    if ($Secure) { $Credential = [pscredential]::new('nobody', $Secure) }
    $bytes = [System.Text.Encoding]::UTF8.GetBytes($Credential.GetNetworkCredential().Password)
    $hash = [System.Security.Cryptography.SHA256]::Create().ComputeHash($bytes)
    [PSCustomObject]@{
        UserName = $user
        Sha256 = (@(foreach ($byte in $hash) { $byte.ToString('x2') }) -join '')
        Credential = $Credential
    }
}

# Tells a secret where it must not: in a warning and in an error.
function Get-FakeLeak {
    [CmdletBinding()]
    param([pscredential]$Credential)
    $script:Seen.Add('Get-FakeLeak')
    $secret = $Credential.GetNetworkCredential().Password
    Write-Warning -Message "Odd: $secret."
    $exception = [System.ArgumentException]::new("Cannot use $secret here.")
    $record = [System.Management.Automation.ErrorRecord]::new($exception, 'FakeLeak', 'InvalidArgument', $null)
    $PSCmdlet.ThrowTerminatingError($record)
}

# Many objects.
function Get-FakeRow {
    [CmdletBinding()]
    param([int]$Count, [int]$Width)
    $text = 'x' * $Width
    for ($number = 0; $number -lt $Count; $number++) { [PSCustomObject]@{ Number = $number; Text = $text } }
}

# A variable of the environment.
function Get-FakePlace {
    [CmdletBinding()]
    param([string]$Name)
    [Environment]::GetEnvironmentVariable($Name)
}

# A registry, for systems without one: name of the value -> its kind and data as .NET gives them.
$script:Values = [ordered]@{
    '' = 'String', 'the default'
    'Path' = 'ExpandString', '%SystemRoot%\x'
    'Small' = 'DWord', 7
    'Flags' = 'DWord', -1
    'Large' = 'QWord', [long]-1
    'Bytes' = 'Binary', [byte[]]@(255)
    'List' = 'MultiString', [string[]]@('a')
    'None' = 'MultiString', [string[]]@()
}

function New-FakeKey([string[]]$Names) {
    $key = [PSCustomObject]@{ Property = [string[]]@($Names -replace '^$', '(default)'); Names = $Names }
    $key | Add-Member -MemberType ScriptMethod -Name GetValueNames -Value { $this.Names }
    $key | Add-Member -MemberType ScriptMethod -Name GetValueKind -Value { param($Name) $script:Values[$Name][0] }
    $key | Add-Member -MemberType ScriptMethod -Name GetValue -Value {
        param($Name, $Default, $Options)
        if ($Options -ne 'DoNotExpandEnvironmentNames') { throw 'Names of variables would be expanded.' }
        , $script:Values[$Name][1]
    }
    return $key
}

function Get-Item {
    [CmdletBinding()]
    param([string]$LiteralPath)
    if ($LiteralPath -eq 'HKLM:\SOFTWARE\Fake') { return New-FakeKey @($script:Values.Keys) }
    if ($LiteralPath -eq 'HKLM:\SOFTWARE\Fake\Empty') { return New-FakeKey @() }
    Microsoft.PowerShell.Management\Get-Item @PSBoundParameters
}

function Get-ItemProperty {
    [CmdletBinding()]
    param([string]$LiteralPath)
    $found = [ordered]@{}
    if ($LiteralPath -eq 'HKLM:\SOFTWARE\Fake') {
        foreach ($name in $script:Values.Keys) {
            $value = $script:Values[$name][1]
            if ($name -eq 'Path') { $value = 'C:\Windows\x' }
            if ($name -eq 'Flags') { $value = [uint32]::MaxValue }
            if ($name -eq 'Large') { $value = [uint64]::MaxValue }
            $found[$name -replace '^$', '(default)'] = $value
        }
    }
    $found['PSPath'] = 'Registry::x'
    [PSCustomObject]$found
}

Export-ModuleMember -Function 'Get-Fake*', 'Set-Fake*', 'Get-Item', 'Get-ItemProperty'
