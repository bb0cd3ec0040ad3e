# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Runs a batch of cmdlet calls and prints one JSON string: a list of sections, one per call.
# Written for Windows PowerShell 5.1 and PowerShell 7. The protocol is described in _driver.py.
[CmdletBinding(SupportsShouldProcess)]
param(
    [Parameter(Mandatory)][string]$Batch,
    [object]$Secret1, [object]$Secret2, [object]$Secret3, [object]$Secret4
)

# In check mode the calls that only read still have to run, and they must not inherit -WhatIf. win_powershell says it twice.
$checkMode = [bool]$WhatIfPreference -or [bool]$Ansible.CheckMode
$WhatIfPreference = $false
$ProgressPreference = 'SilentlyContinue'

# Strings carry a leading '=': PowerShell 7 would read a bare string that looks like a date as a date.
function Get-Argument($Value) {
    if ($Value -is [string]) { return $Value.Substring(1) }
    if ($Value -is [array]) { return , @(foreach ($item in $Value) { Get-Argument $item }) }
    if ($null -ne $Value -and $Value.psobject.Properties['secret']) {
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
# writes an array that went through the pipeline as an object with the keys value and Count.
function Get-Row($Object, $Select) {
    $row = [ordered]@{}
    foreach ($item in $Select) {
        $name, $rest = $item
        if ($name -eq '*') {
            $row[$name] = [ordered]@{}
            foreach ($property in $Object.psobject.Properties) {
                if ("$($property.Value)" -like $rest) { $row[$name][$property.Name] = "$($property.Value)" }
            }
            continue
        }
        $value = $Object
        if ($name -ne '') { $value = $Object.$name }
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

$changed = $false
$stopped = $false
$sections = @(foreach ($call in (ConvertFrom-Json -InputObject $Batch).calls) {
    $section = [ordered]@{ id = $call.id; ok = $true; skipped = $false; error = $null; data = [object[]]@() }
    if ($call.change -and ($checkMode -or $stopped)) {
        $section['skipped'] = $true
        $section
        continue
    }
    try {
        $arguments = @{ ErrorAction = 'Stop' }
        foreach ($property in $call.params.psobject.Properties) {
            $arguments[$property.Name] = Get-Argument $property.Value
        }
        if ($call.change) { $changed = $true }
        $cmdlet = $call.cmdlet
        $objects = @(& $cmdlet @arguments)
        # Not the list itself: PowerShell takes a list of one empty string for false.
        if (@($call.select).Count -gt 0) {
            $section['data'] = [object[]]@(foreach ($object in $objects) { Get-Row $object $call.select })
        }
    } catch {
        $stopped = $stopped -or $call.change
        $section['ok'] = $false
        $section['error'] = [ordered]@{
            type = $_.Exception.psobject.TypeNames[0]
            id = $_.FullyQualifiedErrorId
            message = $_.Exception.Message
            hresult = '0x{0:X8}' -f $_.Exception.HResult
        }
    }
    $section
})

if ($null -ne $Ansible) { $Ansible.Changed = $changed }
ConvertTo-Json -InputObject $sections -Depth 10 -Compress
