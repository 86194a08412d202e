# Writes the rows of each species to a file of its own: DIR/Adelie.csv and so on.
#
#   awk -v dir=DIR -f split.awk CLEAN.csv

BEGIN { FS = "," }

NR == 1 { header = $0; next }

# A species becomes a file name, so it must be a plain word.
$1 !~ /^[A-Za-z][A-Za-z0-9_-]*$/ {
  print "split: '" $1 "' cannot be a file name" | "cat >&2"
  exit 1
}

{
  file = dir "/" $1 ".csv"
  if (!(file in begun)) {
    begun[file] = 1
    print header > file
  }
  print > file
}
