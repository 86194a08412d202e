# Birds with a body mass, and their mean; a dash where they are too few.
$6 + 0 > 0 { birds++; sum += $6 }
END { printf "%s\t%d\t%s\n", colony, birds, birds < least ? "-" : sprintf("%.0f", sum / birds) }
