# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What stands on the command line: reads all of standard input, refuses what did not arrive whole, runs the frame.
# First line of the input: nonce, lines of the frame, lines of the driver, number of the last line, characters up to it.
# A last line that is the nonce tells that nothing is missing, the count of characters that nothing is there twice.
param()
$ErrorActionPreference='Stop'
$ProgressPreference='SilentlyContinue'
$a=@(@($input)-join"`n"-split"`r?`n")
$h=@($a[0]-split' ')
if($h.Count-ne 5-or$a[[int]$h[3]]-ne$h[0]-or(-join$a[1..$h[3]]).Length-ne$h[4]){'winstack: the input did not arrive whole';exit 3}
${function:winstack}=$a[1..$h[1]]-join"`n"
. winstack
