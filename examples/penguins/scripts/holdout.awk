# Puts every k-th row into the test file and all others into the training file.
# No random numbers: the same data and the same k give the same two files.
#
#   awk -v every=K -v train=FILE -v test=FILE -f holdout.awk CLEAN.csv

BEGIN {
  if (every !~ /^[0-9]+$/ || every < 2) {
    print "holdout: holdout.every must be a whole number from 2 up" | "cat >&2"
    exit 1
  }
}

NR == 1 { print > train; print > test; next }

(NR - 1) % every == 0 { print > test; next }

{ print > train }
