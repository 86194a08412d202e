# Checks measurements against what they can be.
#
#   awk -v report=FILE -v most=PERCENT -f check.awk DATA.csv [COLUMN LEAST GREATEST]…
#
# FILE gets a line for each thing that is wrong, and the figures. The exit
# status is 1 if there is anything wrong.

BEGIN {
  FS = ","
  for (i = 2; i < ARGC; i += 3) {
    column = ARGV[i]
    least[column] = ARGV[i + 1] + 0
    greatest[column] = ARGV[i + 2] + 0
    names[++checked] = column
    ARGV[i] = ARGV[i + 1] = ARGV[i + 2] = ""
  }
}

{ sub(/\r$/, "") }

FNR == 1 {
  for (i = 1; i <= NF; i++) place[$i] = i
  for (n = 1; n <= checked; n++)
    if (!(names[n] in place)) wrong("there is no column " names[n])
  columns = NF
  next
}

NF != columns { wrong("line " FNR " has " NF " fields instead of " columns); next }

{
  rows++
  for (n = 1; n <= checked; n++) {
    column = names[n]
    if (!(column in place)) continue
    value = $place[column]
    if (value == "NA" || value == "") { missing[column]++; continue }
    if (value !~ /^[0-9]+(\.[0-9]+)?$/)
      wrong("line " FNR ": " column " is '" value "', which is no number")
    else if (value + 0 < least[column] || value + 0 > greatest[column])
      wrong("line " FNR ": " column " is " value ", not within " least[column] " to " greatest[column])
  }
}

END {
  for (n = 1; n <= checked; n++) {
    column = names[n]
    percent = rows ? 100 * missing[column] / rows : 0
    if (percent > most)
      wrong(sprintf("%s is missing in %.2f %% of the rows, more than %s %%", column, percent, most))
  }
  printf "%d rows, %d things wrong\n", rows, faults > report
  for (n = 1; n <= checked; n++)
    printf "%-18s %d missing\n", names[n], missing[names[n]] > report
  for (n = 1; n <= faults; n++) print fault[n] > report
  exit faults > 0
}

function wrong(what) { fault[++faults] = what }
