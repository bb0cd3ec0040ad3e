# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Runs a batch of cmdlet calls and prints one JSON object: what each call gave, and the host's clock before and after.
# Written for Windows PowerShell 5.1 and PowerShell 7, full and constrained language. The protocol is described in driver.py.
[CmdletBinding(SupportsShouldProcess)]
param(
    [Parameter(Mandatory)][string]$Batch,
    $Secret1, $Secret2, $Secret3, $Secret4, $Secret5, $Secret6, $Secret7, $Secret8,
    $Secret9, $Secret10, $Secret11, $Secret12, $Secret13, $Secret14, $Secret15, $Secret16,
    $Secret17, $Secret18, $Secret19, $Secret20, $Secret21, $Secret22, $Secret23, $Secret24,
    $Secret25, $Secret26, $Secret27, $Secret28, $Secret29, $Secret30, $Secret31, $Secret32,
    $Secret33, $Secret34, $Secret35, $Secret36, $Secret37, $Secret38, $Secret39, $Secret40,
    $Secret41, $Secret42, $Secret43, $Secret44, $Secret45, $Secret46, $Secret47, $Secret48,
    $Secret49, $Secret50, $Secret51, $Secret52, $Secret53, $Secret54, $Secret55, $Secret56,
    $Secret57, $Secret58, $Secret59, $Secret60, $Secret61, $Secret62, $Secret63, $Secret64
)
$began = [datetime]::UtcNow.ToString('o')

# In check mode the calls that only read still have to run, and they must not inherit -WhatIf. win_powershell says it twice.
$checkMode = [bool]$WhatIfPreference -or [bool]$Ansible.CheckMode
$WhatIfPreference = $false
$ProgressPreference = 'SilentlyContinue'

# Strings carry a leading '=': PowerShell 7 would read a bare string that looks like a date as a date.
function Get-Argument($Value) {
    if ($Value -is [string]) { return $Value.Substring(1) }
    if ($Value -is [array]) { return , @(foreach ($item in $Value) { Get-Argument $item }) }
    if ($null -ne $Value -and $Value.psobject.Members['secret']) {
        return Get-Variable -Name $Value.secret -ValueOnly
    }
    return $Value
}

function Get-Scalar($Value) {
    if ($null -eq $Value -or $Value -is [bool]) { return $Value }
    if ($Value -is [datetime]) { return $Value.ToUniversalTime().ToString('o') }
    if ($Value -is [timespan]) { return $Value.TotalSeconds }
    if ($Value -is [enum]) { return "$Value" }
    foreach ($type in [int], [uint32], [long], [uint64], [int16], [uint16], [byte], [sbyte], [double], [single], [decimal]) {
        if ($Value -is $type) { return $Value }
    }
    return "$Value"
}

# Arrays are built in place and never returned from a function: Windows PowerShell's ConvertTo-Json
# writes an array that went through the pipeline as an object with the keys value and Count. A member whose name is in
# a variable is looked up: with a dot, PowerShell would take the script for suspicious and log it without any policy.
function Get-Row($Object, $Select) {
    $row = [ordered]@{}
    foreach ($item in $Select) {
        $name, $rest = $item
        if ($name -eq '*') {
            $row[$name] = [ordered]@{}
            foreach ($member in $Object.psobject.Members) {
                if ($member.MemberType -like '*Property' -and "$($member.Value)" -like $rest) {
                    $row[$name][$member.Name] = "$($member.Value)"
                }
            }
            continue
        }
        $value = $Object
        if ($name -ne '') {
            try { $value = $Object.psobject.Members[$name].Value } catch { $value = $null }
            if ($Object -is [System.Collections.IDictionary]) { $value = $Object[$name] }
        }
        if ($item -is [array]) {
            $row[$name] = [object[]]@(foreach ($element in $value) { Get-Row $element $rest })
        } elseif ($value -is [System.Collections.IEnumerable] -and $value -isnot [string] -and $name -ne '') {
            $row[$name] = [object[]]@(foreach ($element in $value) { Get-Scalar $element })
        } else {
            $row[$name] = Get-Scalar $value
        }
    }
    return $row
}

# Windows PowerShell's serializer has a limit on what it takes at once, some 2 MB: 500 rows at a time stay below it.
function Get-Json($Section) {
    $rows = $Section['data']
    $Section['data'] = [object[]]@()
    $text = ConvertTo-Json -InputObject $Section -Compress
    $parts = @(for ($first = 0; $first -lt $rows.Count; $first += 500) {
        $last = $first + 499
        if ($last -ge $rows.Count) { $last = $rows.Count - 1 }
        $part = ConvertTo-Json -InputObject ([object[]]$rows[$first..$last]) -Depth 10 -Compress
        $part.Substring(1, $part.Length - 2)
    })
    return $text.Substring(0, $text.Length - 2) + ($parts -join ',') + ']}'
}

# Runs a console program. What it writes to its error output is text as well: Windows PowerShell makes errors of these
# lines, and under Stop the first of them would end the call.
function Start-Program {
    [CmdletBinding()]
    param([Parameter(Mandatory)][string]$FilePath, [string[]]$ArgumentList = @())
    $ErrorActionPreference = 'Continue'
    $PSNativeCommandUseErrorActionPreference = $false
    $lines = @(& $FilePath @ArgumentList 2>&1)
    @{ ExitCode = $LASTEXITCODE; Output = [object[]]@(foreach ($line in $lines) { "$line" }) }
}

# Gives the values of a registry key as they are stored, numbers without a sign. In constrained language keys tell
# less: then Kind is null, and variables in texts are expanded.
function Get-RegistryKey {
    [CmdletBinding()]
    param([Parameter(Mandatory)][string]$LiteralPath)
    $key = Get-Item -LiteralPath $LiteralPath -ErrorAction Stop
    if ($ExecutionContext.SessionState.LanguageMode -ne 'FullLanguage') {
        $values = Get-ItemProperty -LiteralPath $LiteralPath -ErrorAction Stop
        foreach ($name in $key.Property) {
            @{ Name = $name -replace '^\(default\)$', ''; Kind = $null; Data = $values.psobject.Members[$name].Value }
        }
        return
    }
    foreach ($name in $key.GetValueNames()) {
        $kind = "$($key.GetValueKind($name))"
        $data = $key.GetValue($name, $null, 'DoNotExpandEnvironmentNames')
        if ($kind -eq 'DWord' -and $data -lt 0) { $data += 4294967296 }
        if ($kind -eq 'QWord' -and $data -lt 0) { $data = [uint64]($data + 18446744073709551616d) }
        @{ Name = $name; Kind = $kind; Data = $data }
    }
}

$changed = $false
$stopped = $false
$edition = "$($PSVersionTable.PSEdition)"
$asked = ConvertFrom-Json -InputObject $Batch
$calls = $null
# PowerShell 7 loads modules without a Core edition through a second PowerShell: enums become numbers, objects text.
if (-not ($asked.desktop -and $edition -eq 'Core')) { $calls = $asked.calls }
$sections = @(foreach ($call in $calls) {
    $section = [ordered]@{ id = $call.id; ok = $true; skipped = $false; error = $null; data = [object[]]@() }
    if ($call.change -and ($checkMode -or $stopped)) {
        $section['skipped'] = $true
        Get-Json $section
        continue
    }
    try {
        $arguments = @{ ErrorAction = 'Stop' }
        foreach ($member in $call.params.psobject.Members) {
            if ($member.MemberType -eq 'NoteProperty') { $arguments[$member.Name] = Get-Argument $member.Value }
        }
        if ($call.change) { $changed = $true }
        $cmdlet = $call.cmdlet
        $objects = @(& $cmdlet @arguments)
        # Not the list itself: PowerShell takes a list of one empty string for false.
        if (@($call.select).Count -gt 0) {
            $section['data'] = [object[]]@(foreach ($object in $objects) { Get-Row $object $call.select })
        }
        Get-Json $section
    } catch {
        $stopped = $stopped -or $call.change
        $section['ok'] = $false
        # Whoever runs this script may have named texts that must not be told. Under win_powershell Ansible does it.
        $message = $_.Exception.Message
        foreach ($text in $Hidden) { $message = $message.Replace($text, '********') }
        $section['error'] = [ordered]@{
            type = $_.Exception.psobject.TypeNames[0]
            id = $_.FullyQualifiedErrorId
            message = $message
            hresult = '0x{0:X8}' -f $_.Exception.HResult
        }
        Get-Json $section
    }
})

if ($null -ne $Ansible) { $Ansible.Changed = $changed }
$ended = [datetime]::UtcNow.ToString('o')
'{"began":"' + $began + '","ended":"' + $ended + '","edition":"' + $edition + '","sections":[' + ($sections -join ',') + ']}'
