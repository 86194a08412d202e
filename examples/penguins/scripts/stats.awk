# Describes both measurements of each species: number, mean, standard deviation
# (of a sample: divisor n - 1), smallest and largest value. Writes twelve
# digits; rounding is the report's business.
#
#   awk -f stats.awk ADELIE.csv CHINSTRAP.csv … > STATS.tsv

BEGIN {
  FS = ","
  OFS = "\t"
  print "species", "measure", "n", "mean", "sd", "min", "max"
}

FNR == 1 { measure[2] = $2; measure[3] = $3; next }

{
  # The first row of a species also decides its place in the output: the order
  # of `for (x in array)` differs from one awk to the next.
  if (!($1 in n)) order[++groups] = $1
  n[$1]++
  for (c = 2; c <= 3; c++) {
    value[$1, c, n[$1]] = $c + 0
    sum[$1, c] += $c
  }
}

END {
  for (g = 1; g <= groups; g++)
    for (c = 2; c <= 3; c++) describe(order[g], c)
}

# Two passes, the mean first: sums of squares alone lose digits.
function describe(name, c,    i, v, mean, squares, low, high) {
  mean = sum[name, c] / n[name]
  low = high = value[name, c, 1]
  for (i = 1; i <= n[name]; i++) {
    v = value[name, c, i]
    squares += (v - mean) * (v - mean)
    if (v < low) low = v
    if (v > high) high = v
  }
  print name, measure[c], n[name], sprintf("%.12g", mean), \
    (n[name] > 1 ? sprintf("%.12g", sqrt(squares / (n[name] - 1))) : "NA"), low, high
}
