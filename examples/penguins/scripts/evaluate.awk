# Predicts the body mass of the test rows with the line fitted on the training
# rows ("all"), and compares it with a baseline that knows no flipper length and
# always says the mean of the training rows.
#
#   awk -v within=GRAMS -f evaluate.awk kind=fit FIT.tsv kind=test TEST.csv > OUT.tsv
#
# train_residual_sd: what the line leaves over on the training rows. rmse: root of
# the mean squared error. mae: mean absolute error. bias: mean of prediction minus
# truth. within: rows that are off by at most GRAMS.

BEGIN {
  OFS = "\t"
  if (within !~ /^[0-9]+(\.[0-9]+)?$/) fail("evaluate.within_g must be a number of grams")
}

# The header of each file: from the next line on its separator counts.
FNR == 1 { FS = (kind == "fit" ? "\t" : ","); next }

kind == "fit" && $1 == "all" {
  n_train = $2
  slope = $3
  intercept = $4
  residual_sd = $6
  mean = $7
}

kind == "test" {
  n++
  error = intercept + slope * $2 - $3
  sum += error
  squares += error * error
  size += abs(error)
  if (abs(error) <= within) near++
  error = mean - $3
  base_squares += error * error
  base_size += abs(error)
}

END {
  if (failed) exit 1
  if (!n_train) fail("no line for 'all'")
  if (!n) fail("no test rows: make holdout.every smaller")
  print "n_train", n_train
  print "n_test", n
  print "train_residual_sd", residual_sd
  print "rmse", sprintf("%.12g", sqrt(squares / n))
  print "mae", sprintf("%.12g", size / n)
  print "bias", sprintf("%.12g", sum / n)
  print "baseline_rmse", sprintf("%.12g", sqrt(base_squares / n))
  print "baseline_mae", sprintf("%.12g", base_size / n)
  print "within_g", within
  print "within", near + 0
}

function abs(v) { return v < 0 ? -v : v }

function fail(message) {
  print "evaluate: " message | "cat >&2"
  failed = 1
  exit 1
}
