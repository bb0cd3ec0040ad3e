# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Runs the bootstrap of the direct transport once for each input, each in a runspace of its own without a console, as the
# psrp connection does: a script with a scope of its own, its input as lines. Questions and answers are files of JSON.
[CmdletBinding()]
param(
    [Parameter(Mandatory)][string]$ModulePath,
    [Parameter(Mandatory)][string]$AskedPath,
    [Parameter(Mandatory)][string]$AnsweredPath
)
$ErrorActionPreference = 'Stop'
$asked = ConvertFrom-Json -InputObject ([System.IO.File]::ReadAllText($AskedPath))

$outputs = [object[]]@(foreach ($lines in $asked.inputs) {
    $runspace = [runspacefactory]::CreateRunspace()
    $runspace.Open()
    try {
        $before = [powershell]::Create()
        $before.Runspace = $runspace
        [void]$before.AddCommand('Import-Module').AddParameter('Name', $ModulePath).Invoke()
        if ($asked.constrained) { $runspace.SessionStateProxy.LanguageMode = 'ConstrainedLanguage' }
        $shell = [powershell]::Create()
        $shell.Runspace = $runspace
        [void]$shell.AddScript($asked.script, $true)
        $failure = @()
        try {
            $output = @($shell.Invoke([string[]]@($lines)))
        } catch {
            $output = @()
            $failure = @("$_")
        }
        , [object[]]@(foreach ($item in $output + $failure) { "$item" })
    } finally {
        $runspace.Dispose()
    }
})
[System.IO.File]::WriteAllText($AnsweredPath, (ConvertTo-Json -InputObject $outputs -Depth 5))
