# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Asks PowerShell's own check which word would make it log a script block without any policy (event 4104 as a warning).
# Questions and answers are files of JSON: a list of texts; for each the word, or null.
[CmdletBinding()]
param(
    [Parameter(Mandatory)][string]$AskedPath,
    [Parameter(Mandatory)][string]$AnsweredPath
)
$ErrorActionPreference = 'Stop'
$check = [scriptblock].GetMethod('CheckSuspiciousContent', [System.Reflection.BindingFlags]'NonPublic, Static')
$texts = ConvertFrom-Json -InputObject ([System.IO.File]::ReadAllText($AskedPath))
$words = [object[]]@(foreach ($text in $texts) {
    $tokens = $faults = $null
    $tree = [System.Management.Automation.Language.Parser]::ParseInput($text, [ref]$tokens, [ref]$faults)
    if ($faults) { throw "$faults" }
    $check.Invoke($null, @($tree))
})
[System.IO.File]::WriteAllText($AnsweredPath, (ConvertTo-Json -InputObject $words))
