# Writes the report in Markdown. It only words and rounds what the other stages
# computed, and what it says follows the numbers: with other data or parameters
# the sentences change too.
#
#   TITLE=… awk -v decimals=N -f report.awk kind=counts COUNTS.tsv \
#     kind=stats STATS.tsv kind=fit FIT.tsv kind=evaluation EVALUATION.tsv > REPORT.md

BEGIN {
  FS = "\t"
  if (decimals !~ /^[0-6]$/) {
    print "report: report.decimals must be a whole number from 0 to 6" | "cat >&2"
    failed = 1
    exit 1
  }
}

kind == "counts" { count[$1] = $2 }

kind == "stats" && FNR > 1 {
  if (!($1 in known)) { known[$1] = 1; species[++kinds] = $1 }
  row[$1, $2] = $3 " | " num($4) " | " num($5) " | " $6 " | " $7
}

kind == "fit" && FNR > 1 {
  n[$1] = $2; slope[$1] = $3; intercept[$1] = $4; r2[$1] = $5; left[$1] = $6
}

kind == "evaluation" { e[$1] = $2 }

END {
  if (failed) exit 1
  print "# " ENVIRON["TITLE"]
  data()
  groups()
  line()
  test()
  meaning()
}

function data() {
  print ""
  print "Penguins were caught, measured and weighed on three islands of the Palmer"
  print "Archipelago, Antarctica, in the years 2007 to 2009. This report asks how well the"
  print "length of a penguin's flipper tells its body mass."
  heading("The data")
  print "| rows | number |"
  print "|---|---:|"
  print "| in the data file | " count["rows"] " |"
  print "| of a species that was not chosen | " count["other_species"] " |"
  print "| dropped: flipper length or body mass is missing | " count["missing"] " |"
  print "| **used** | **" count["used"] "** |"
}

function groups() {
  heading("The species")
  table("body_mass_g", "Body mass, in g")
  table("flipper_length_mm", "Flipper length, in mm")
  print ""
  print "sd is the standard deviation of the sample."
}

function table(measure, caption,    i) {
  print ""
  print caption ":"
  print ""
  print "| species | n | mean | sd | min | max |"
  print "|---|---:|---:|---:|---:|---:|"
  for (i = 1; i <= kinds; i++) print "| " species[i] " | " row[species[i], measure] " |"
}

function line(    i) {
  heading("The line")
  print "Least squares on all " n["all"] " rows gives"
  print ""
  print "> body mass in g = " fixed(slope["all"], decimals + 1) " × flipper length in mm " \
    plus(intercept["all"])
  print ""
  print "with R² = " fixed(r2["all"], 3) ": the line accounts for " percent(r2["all"]) \
    " of the variance of body mass."
  if (kinds > 1) {
    print ""
    print "The same for each species alone:"
    print ""
    print "| rows | n | slope (g per mm) | intercept (g) | R² | residual sd (g) |"
    print "|---|---:|---:|---:|---:|---:|"
    fitted("all", "all species")
    for (i = 1; i <= kinds; i++) fitted(species[i], species[i])
  }
}

function fitted(g, label) {
  print "| " label " | " n[g] " | " fixed(slope[g], decimals + 1) " | " num(intercept[g]) \
    " | " fixed(r2[g], 3) " | " num(left[g]) " |"
}

function test() {
  heading("The test")
  print "A line can look better than it is on the rows it was fitted to. So it was fitted"
  print "again on " e["n_train"] " rows, and used to predict the other " e["n_test"] \
    ", which it had not seen. The"
  print "baseline ignores the flipper and always says the mean of the training rows."
  print ""
  print "| prediction | RMSE (g) | MAE (g) |"
  print "|---|---:|---:|"
  print "| line on flipper length | " num(e["rmse"]) " | " num(e["mae"]) " |"
  print "| baseline: the mean | " num(e["baseline_rmse"]) " | " num(e["baseline_mae"]) " |"
  print ""
  print "RMSE is the root of the mean squared error, MAE the mean absolute error. The line is"
  print "within " e["within_g"] " g of the truth for " e["within"] " of " e["n_test"] \
    " penguins (" percent(e["within"] / e["n_test"]) ")."
}

function meaning(    gain, s) {
  heading("What it means")
  s = slope["all"]
  print "- Among these penguins, a flipper 10 mm longer goes with a body about " \
    fixed(abs(10 * s), 0) " g\n  " (s < 0 ? "lighter" : "heavier") "."
  gain = 1 - e["rmse"] / e["baseline_rmse"]
  if (gain > 0)
    print "- On unseen rows the typical error (RMSE) is " percent(gain) \
      " smaller than that of the\n  baseline: flipper length does carry information about body mass."
  else
    print "- On unseen rows the line is no better than the baseline: it is of no use for\n" \
      "  prediction."
  if (e["rmse"] + 0 < e["train_residual_sd"] + 0) {
    print "- That error is smaller than what the line leaves over on its own training rows (sd"
    print "  " num(e["train_residual_sd"]) " g). That is luck, not merit: one split with " \
      e["n_test"] " test rows is only a rough"
    print "  measure."
  }
  if (abs(e["bias"]) * 4 > e["rmse"])
    print "- The predictions for the unseen rows are " num(abs(e["bias"])) " g too " \
      (e["bias"] < 0 ? "low" : "high") " on average."
  if (kinds > 1) between()
  print "- The line describes; it does not explain. Males are heavier than females, species"
  print "  differ in build, and neither is in the formula."
  print "- It holds for the lengths that were measured. The intercept is the mass at a"
  print "  flipper of 0 mm, where no penguin is."
  print "- The test rows come from the same islands and years as the training rows, and of the"
  print "  two birds of a nest one may be in each part. For other places or years expect larger"
  print "  errors."
}

# Is the relation one within the species, or one between them?
function between(    i, g, low, high) {
  for (i = 1; i <= kinds; i++) {
    g = species[i]
    if (low == "" || r2[g] + 0 < r2[low] + 0) low = g
    if (high == "" || r2[g] + 0 > r2[high] + 0) high = g
  }
  print "- Within a species R² lies between " fixed(r2[low], 3) " (" low ") and " \
    fixed(r2[high], 3) " (" high "),"
  print "  against " fixed(r2["all"], 3) " for all species together." \
    (r2[high] + 0 < r2["all"] + 0 ? " So a good part of what the common\n" \
    "  line knows is which species is the large one." : "")
}

function heading(text) {
  print ""
  print "## " text
  if (text != "The species") print ""
}

function num(v) { return v == "NA" ? "–" : fixed(v, decimals) }

function fixed(v, places,    text) {
  text = sprintf("%." places "f", v)
  return text ~ /^-[0.]*$/ ? substr(text, 2) : text
}

function percent(v) { return fixed(100 * v, 0) "%" }

function plus(v) { return (v < 0 ? "- " : "+ ") num(abs(v)) }

function abs(v) { return v < 0 ? -v : v + 0 }
