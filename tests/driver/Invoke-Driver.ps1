# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Runs the driver once for each case, each in a runspace of its own, with what ansible.windows.win_powershell sets up around
# a script: the variable $Ansible, $ErrorActionPreference, -WhatIf and -Confirm, and secrets as parameters; texts to be
# masked as the direct transport names them.
# Cases and answers are files of JSON, so that no encoding of a console is in between.
[CmdletBinding()]
param(
    [Parameter(Mandatory)][string]$DriverPath,
    [Parameter(Mandatory)][string]$ModulePath,
    [Parameter(Mandatory)][string]$AskedPath,
    [Parameter(Mandatory)][string]$AnsweredPath
)
$ErrorActionPreference = 'Stop'
$driverText = [System.IO.File]::ReadAllText($DriverPath)

function New-FakeSecret($Secret) {
    $value = ConvertTo-SecureString -String $Secret.password -AsPlainText -Force
    if ($Secret.username) { return [pscredential]::new($Secret.username, $value) }
    return $value
}

function Invoke-Case($Case) {
    $runspace = [runspacefactory]::CreateRunspace()
    $runspace.Open()
    try {
        $module = [PSCustomObject]@{ Changed = $true; CheckMode = $Case.check_mode }
        $runspace.SessionStateProxy.SetVariable('Ansible', $module)
        $stop = [System.Management.Automation.ActionPreference]::Stop
        $runspace.SessionStateProxy.SetVariable('ErrorActionPreference', $stop)
        $hidden = [object[]]@(foreach ($secret in $Case.secrets) { $secret.password })
        $runspace.SessionStateProxy.SetVariable('Hidden', $hidden)

        $shell = [powershell]::Create()
        $shell.Runspace = $runspace
        [void]$shell.AddCommand('Import-Module').AddParameter('Name', $ModulePath).AddStatement()
        [void]$shell.AddScript($driverText)
        $parameters = @{ Batch = $Case.batch; Confirm = $false; WhatIf = $Case.check_mode }
        foreach ($secret in $Case.secrets) { $parameters[$secret.name] = New-FakeSecret $secret }
        [void]$shell.AddParameters($parameters)

        $output = New-Object -TypeName 'System.Collections.Generic.List[object]'
        $failure = $null
        try { $shell.Invoke(@(), $output) } catch { $failure = $_.Exception.Message }

        $after = [powershell]::Create()
        $after.Runspace = $runspace
        $seen = @($after.AddScript('Get-FakeCall').Invoke())
        return [ordered]@{
            name = $Case.name
            failure = $failure
            output = [object[]]@(foreach ($item in $output) { "$item" })
            types = [object[]]@(foreach ($item in $output) { $item.GetType().FullName })
            changed = [bool]$module.Changed
            seen = [object[]]@(foreach ($item in $seen) { "$item" })
        }
    } finally {
        $runspace.Dispose()
    }
}

$batchOfCases = ConvertFrom-Json -InputObject ([System.IO.File]::ReadAllText($AskedPath))
$answers = @(foreach ($case in $batchOfCases.cases) { Invoke-Case $case })
[System.IO.File]::WriteAllText($AnsweredPath, (ConvertTo-Json -InputObject $answers -Depth 5))
