# The least-squares line of body mass on column x, for the rows of one species that have both.
NR == 1 {
    for (i = 1; i <= NF; i++) column[$i] = i
    next
}
$column["species"] == species && $column[x] + 0 > 0 && $column["body_mass_g"] + 0 > 0 {
    a = $column[x]; b = $column["body_mass_g"]
    n++; sa += a; sb += b; saa += a * a; sbb += b * b; sab += a * b
}
END {
    va = saa - sa * sa / n; vb = sbb - sb * sb / n; vab = sab - sa * sb / n
    printf "%s\t%s\t%d\t%.1f\t%.3f\n", x, species, n, vab / va, vab * vab / (va * vb)
}
