param([string]$Name, [int]$Count = 1)
Write-Output "$Name $Count on $env:COMPUTERNAME"
