# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What the bootstrap runs: gives the driver what win_powershell would give it, and prints its answer as one line of ASCII.
# $a: the lines of standard input; $h: nonce, lines of this text, lines of the driver, number of the last line. After the
# two texts: one line that tells check mode; one line a variable of the environment (env, name, value) and one a secret
# (name, user, secret), as numbers of their UTF-16 units; one line of JSON, the batch.
# No secret passes through a cmdlet: module logging (event 4103) writes down what cmdlets are given.
Set-StrictMode -Off
$global:ConfirmPreference = 'None'
$global:WhatIfPreference = $false
$answer = [ordered]@{ winstack = $h[0]; changed = $false; warnings = [object[]]@(); fault = $null }
$told = 'null'
$Hidden = @()
# Programs and jobs that cmdlets start would else get a byte order mark from code page 65001 (ansible/ansible#15770).
try { [Console]::InputEncoding = [Console]::OutputEncoding = [System.Text.UTF8Encoding]::new($false) } catch { $null = $_ }
try {
    $next = 1 + $h[1]
    $driver = $a[$next..($next + $h[2] - 1)] -join "`n"
    $next += [int]$h[2]
    $check = $a[$next] -eq 'check'
    $arguments = @{ WhatIf = $check; Confirm = $false; Batch = $a[$h[3] - 1] }
    for ($next++; $next -lt $h[3] - 1; $next++) {
        $name, $first, $second = $a[$next] -split ' '
        $a[$next] = $null
        $text = -join @(foreach ($unit in $first -split ',') { if ($unit) { [char][int]$unit } })
        if ($name -eq 'env') {
            $value = -join @(foreach ($unit in $second -split ',') { if ($unit) { [char][int]$unit } })
            # Constrained language has no such method.
            try { [Environment]::SetEnvironmentVariable($text, $value) } catch { Set-Item -LiteralPath "env:$text" -Value $value }
            continue
        }
        $secret = [securestring]::new()
        foreach ($unit in $second -split ',') { if ($unit) { $secret.AppendChar([char][int]$unit) } }
        $secret.MakeReadOnly()
        if ($second) { $Hidden += -join @(foreach ($unit in $second -split ',') { [char][int]$unit }) }
        $arguments[$name] = $secret
        if ($text) { $arguments[$name] = [pscredential]::new($text, $secret) }
    }
    $first = $second = $value = $null
    $Ansible = @{ CheckMode = $check; Changed = $false }
    ${function:winstackdriver} = $driver
    $said = @(winstackdriver @arguments *>&1)
    $answer['changed'] = [bool]$Ansible.Changed
    $answer['warnings'] = [object[]]@(foreach ($item in $said) {
        if ($item -is [System.Management.Automation.WarningRecord]) { $item.Message }
    })
    if ($said.Count -eq 0 -or $said[-1] -isnot [string]) { throw 'The driver gave no answer.' }
    $told = $said[-1]
} catch {
    $answer['fault'] = "$_ $($_.InvocationInfo.PositionMessage)"
}
foreach ($text in $Hidden) {
    if ($answer['fault']) { $answer['fault'] = $answer['fault'].Replace($text, '********') }
    $answer['warnings'] = [object[]]@(foreach ($warning in $answer['warnings']) { $warning.Replace($text, '********') })
}
$line = (ConvertTo-Json -InputObject $answer -Compress) -replace '\}$', ',"answer":'
# Every second part is a run of characters that are not ASCII. No delegate: constrained language has none.
$odd = $false
$known = @{}
-join @(foreach ($part in [regex]::Split($line + $told + '}', '([^\x20-\x7e]+)')) {
    if ($odd) {
        foreach ($char in $part.ToCharArray()) {
            if ($null -eq $known[$char]) { $known[$char] = '\u{0:x4}' -f [int]$char }
            $known[$char]
        }
    } else {
        $part
    }
    $odd = -not $odd
})
