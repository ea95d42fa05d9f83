#!/usr/bin/env Rscript
# The lines of docs/other_languages.md, in R. The program is the first argument. Parquet is read where R has the package arrow.
program <- normalizePath(commandArgs(TRUE)[1])
folder <- tempfile("calcisim")
dir.create(folder)
setwd(folder)

call <- function(...) jsonlite::fromJSON(system2(program, c(..., "--json", "-q"), stdout = TRUE))

run <- call("run", "cua_warfarin", "--days", "2", "--seed", "1")
stopifnot(run$ok, run$exit == 0, nchar(run$state_hash) == 16)
series <- read.csv(file.path(run$run_dir, "series.csv"))
stopifnot(nrow(series) == 3, tail(series$mineral_ug, 1) == run$final$mineral_ug)

wrong <- suppressWarnings(call("run", "cua_warfarin", "--set", "host.phosphat_mmol_per_l=2"))
stopifnot(!wrong$ok, wrong$exit == 3, grepl("phosphate_mmol_per_l", wrong$errors$suggestion))

if (requireNamespace("arrow", quietly = TRUE)) {
  quiet <- function(...) system2(program, c("experiment", ..., "-q"), stdout = FALSE)
  stopifnot(quiet("run", "smoke") == 0, quiet("merge", "output/smoke-plan", "-o", "output/smoke-results") == 0)
  runs <- arrow::read_parquet("output/smoke-results/runs.parquet")
  stopifnot(nrow(runs) == nrow(read.csv("output/smoke-results/runs.csv")))
  cat("R: a run, an error and a Parquet table\n")
} else {
  cat("R: a run and an error; the package arrow is not installed, Parquet was not read\n")
}
