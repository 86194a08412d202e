# The mean of each measurement, per species.
#
#   awk -f means.awk MEASURED.csv | sort

BEGIN { FS = "," }

{
  birds[$1]++
  for (i = 2; i <= NF; i++) sum[$1, i] += $i
}

END {
  for (species in birds) {
    n = birds[species]
    printf "%-9s %3d birds: bill %.1f × %.1f mm, flipper %.1f mm, %.0f g\n", species, n,
      sum[species, 2] / n, sum[species, 3] / n, sum[species, 4] / n, sum[species, 5] / n
  }
}
