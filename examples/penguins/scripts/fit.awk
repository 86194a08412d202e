# Fits body mass = intercept + slope * flipper length by least squares, once for
# all rows ("all") and once for each species. Also writes R², the standard
# deviation of what the line leaves over (divisor n - 2), and the mean mass.
#
#   awk -f fit.awk CLEAN.csv > FIT.tsv

BEGIN {
  FS = ","
  OFS = "\t"
  order[++groups] = "all"
  print "group", "n", "slope", "intercept", "r2", "residual_sd", "mean_mass"
}

NR == 1 { next }

{
  if (!($1 in n)) order[++groups] = $1
  add("all", $2 + 0, $3 + 0)
  add($1, $2 + 0, $3 + 0)
}

END {
  for (g = 1; g <= groups; g++) line(order[g])
}

function add(name, flipper, mass) {
  n[name]++
  x[name, n[name]] = flipper
  y[name, n[name]] = mass
  sum_x[name] += flipper
  sum_y[name] += mass
}

function line(name,    i, dx, dy, mean_x, mean_y, xx, xy, yy, slope, left) {
  if (n[name] < 3) fail("'" name "' has fewer than three rows")
  mean_x = sum_x[name] / n[name]
  mean_y = sum_y[name] / n[name]
  for (i = 1; i <= n[name]; i++) {
    dx = x[name, i] - mean_x
    dy = y[name, i] - mean_y
    xx += dx * dx
    xy += dx * dy
    yy += dy * dy
  }
  if (xx == 0 || yy == 0) fail("'" name "' has only one flipper length or body mass")
  slope = xy / xx
  left = yy - slope * xy
  if (left < 0) left = 0
  print name, n[name], sprintf("%.12g", slope), sprintf("%.12g", mean_y - slope * mean_x), \
    sprintf("%.12g", 1 - left / yy), sprintf("%.12g", sqrt(left / (n[name] - 2))), \
    sprintf("%.12g", mean_y)
}

function fail(message) {
  print "fit: " message | "cat >&2"
  exit 1
}
