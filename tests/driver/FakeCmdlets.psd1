# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
@{
    RootModule = 'FakeCmdlets.psm1'
    ModuleVersion = '1.0'
    GUID = '1f1f3a52-7f3c-4a9e-9c55-6d1c3f0d8b11'
    # By name, so that PowerShell finds the module by its cmdlets.
    FunctionsToExport = @(
        'Get-FakeCall', 'Get-FakeValue', 'Get-FakeTarget', 'Get-FakeKey', 'Get-FakeArgument', 'Get-FakeError',
        'Get-FakeState', 'Set-FakeState', 'Get-FakeHash', 'Get-FakeLeak', 'Get-FakeRow', 'Get-FakePlace',
        'Get-Item', 'Get-ItemProperty'
    )
    CmdletsToExport = @()
    VariablesToExport = @()
    AliasesToExport = @()
}
