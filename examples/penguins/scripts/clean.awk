# Reads the penguins and writes the three columns the analysis uses, in one form:
# blanks trimmed, species written "Adelie", numbers written plainly (3750.0 is
# 3750). Rows stay in the order of the file.
#
#   awk -v counts=FILE -f clean.awk DATA.csv SPECIES… > CLEAN.csv
#
# Columns are found by their names, so their order does not matter. FILE gets
# the number of rows read, left out, dropped and kept.

BEGIN {
  FS = ","
  # The words after the data file are species, not files to read.
  for (i = 2; i < ARGC; i++) {
    wanted[proper(ARGV[i])] = 1
    ARGV[i] = ""
    chosen++
  }
  if (!chosen) fail("name at least one species")
}

{ sub(/\r$/, "") }

/"/ { fail("line " NR ": quoted fields are not supported") }

NR == 1 {
  for (i = 1; i <= NF; i++) column[trim($i)] = i
  need("species"); need("flipper_length_mm"); need("body_mass_g")
  columns = NF
  print "species,flipper_length_mm,body_mass_g"
  next
}

/^[ \t]*$/ { next }

NF != columns { fail("line " NR ": " NF " fields instead of " columns) }

{
  species = proper($column["species"])
  flipper = trim($column["flipper_length_mm"])
  mass = trim($column["body_mass_g"])
  seen[species] = 1
  rows++
  if (!(species in wanted)) { other++; next }
  if (missing(flipper) || missing(mass)) { dropped++; next }
  print species "," number(flipper) "," number(mass)
  kept++
}

END {
  if (failed) exit 1
  for (name in wanted)
    if (!(name in seen)) fail("no penguin of species '" name "' in the data")
  print "rows\t" rows + 0 > counts
  print "other_species\t" other + 0 > counts
  print "missing\t" dropped + 0 > counts
  print "used\t" kept + 0 > counts
}

function trim(text) {
  gsub(/^[ \t]+|[ \t]+$/, "", text)
  return text
}

function proper(name) {
  name = trim(name)
  return toupper(substr(name, 1, 1)) tolower(substr(name, 2))
}

function missing(text) {
  return text == "" || toupper(text) == "NA"
}

function number(text) {
  if (text !~ /^[0-9]+(\.[0-9]+)?$/) fail("line " NR ": '" text "' is not a measurement")
  return sprintf("%.10g", text)
}

function need(name) {
  if (!(name in column)) fail("no column '" name "'")
}

function fail(message) {
  print "clean: " message | "cat >&2"
  failed = 1
  exit 1
}
