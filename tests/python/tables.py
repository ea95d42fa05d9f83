"""Opens the tables of an experiment in pyarrow, DuckDB, Polars and pandas, and carries a design from SALib in and a
table out to it. Called by `.ci/run` with the program as the first argument.

Packages: pyarrow, duckdb, polars, pandas, SALib.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
from SALib.analyze import morris as morris_analyze
from SALib.analyze import sobol as sobol_analyze
from SALib.sample import sobol as sobol_sample

PROGRAM = os.path.abspath(sys.argv[1])

TINY = """schema = 1
name = "tiny"
question = "q"
known = "k"
assumed = "a"
[run]
days = 1
[space]
width_mm = 2.0
depth_mm = 2.4
voxel_um = 80.0
[network]
judge = false
"""


def run(folder, *args):
    subprocess.run([PROGRAM, "experiment", *args, "-q"], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def merged(folder, text):
    (folder / "tiny.toml").write_text(TINY)
    (folder / "e.toml").write_text(text)
    run(folder, "run", "e.toml", "-o", "plan")
    run(folder, "merge", "plan", "-o", "results")
    return folder / "results"


def readers(folder):
    results = merged(
        folder,
        'kind = "compare"\nbase = "tiny.toml"\nreplicates = 3\n[[arms]]\nid = "low"\n[[arms]]\nid = "high"\n'
        'set = { "host.phosphate_mmol_per_l" = 2.2 }\n[outputs]\nseries_every_h = 6\n',
    )
    runs = str(results / "runs.parquet")
    schema = pq.read_schema(runs)
    assert schema.field("final.mineral_ug").metadata[b"unit"] == "µg".encode(), schema
    assert schema.field("t_ulcer_d").metadata[b"unit"] == b"d"
    series = str(results / "series.parquet")
    answer = duckdb.sql(
        f"select arm, count(*) n, avg(\"final.mineral_ug\") m from '{runs}' group by arm order by arm"
    ).fetchall()
    assert [(arm, n) for arm, n, _ in answer] == [("high", 3), ("low", 3)], answer
    joined = duckdb.sql(f"select count(*) from '{series}' s join '{runs}' r using (run_id)").fetchall()
    assert joined == [(6 * 5,)], joined
    frame = pl.read_parquet(runs)
    assert frame.shape[0] == 6 and frame["t_ulcer_censored"].all()
    table = pd.read_parquet(runs)
    twin = pd.read_csv(results / "runs.csv")
    assert list(table.columns) == list(twin.columns)
    assert np.array_equal(table["final.mineral_ug"], twin["final.mineral_ug"]), "CSV and Parquet hold the same bits"
    wide = table.pivot(index="seed", columns="arm", values="final.mineral_ug")
    contrasts = pd.read_csv(results / "contrasts.csv").set_index("endpoint")
    mean = contrasts.loc["final.mineral_ug", "diff_mean"]
    assert np.isclose((wide["high"] - wide["low"]).mean(), mean, rtol=1e-12), (wide, mean)
    print("pyarrow, DuckDB, Polars and pandas read the tables")


def salib_in(folder):
    """A design from SALib as `list`; its analysis on our table."""
    problem = {
        "num_vars": 2,
        "names": ["host.phosphate_mmol_per_l", "mineral.growth_rate_per_d"],
        "bounds": [[1.0, 2.5], [0.01, 0.1]],
    }
    design = sobol_sample.sample(problem, 8, calc_second_order=False, seed=1)
    np.savetxt(folder / "design.csv", design, delimiter=",", header=",".join(problem["names"]), comments="")
    results = merged(
        folder,
        'kind = "sweep"\nbase = "tiny.toml"\nreplicates = 1\n[design]\nmethod = "list"\nfile = "design.csv"\n',
    )
    table = pd.read_parquet(results / "runs.parquet")
    assert np.allclose(table[problem["names"]].to_numpy(), design, rtol=1e-15), "the design comes back in its order"
    found = sobol_analyze.analyze(problem, table["final.mineral_ug"].to_numpy(), calc_second_order=False)
    assert np.isfinite(found["ST"]).all()
    print("a design from SALib goes in and its table comes out, ST", np.round(found["ST"], 3))


def salib_out(folder):
    """Our own Morris and Saltelli designs, analysed by SALib: the same numbers."""
    factors = (
        '[[factors]]\npath = "host.phosphate_mmol_per_l"\nlow = 1.0\nhigh = 2.5\n'
        '[[factors]]\npath = "mineral.growth_rate_per_d"\nlow = 0.01\nhigh = 0.1\n'
        '[outputs]\nendpoints = ["mineral_ug"]\n'
    )
    head = 'kind = "sensitivity"\nbase = "tiny.toml"\nreplicates = 1\n[design]\ndummy_factor = false\n'
    (folder / "saltelli").mkdir()
    results = merged(folder / "saltelli", head + 'method = "saltelli"\nn = 16\n' + factors)
    table = pd.read_parquet(results / "runs.parquet")
    problem = json.loads((results / "problem.json").read_text())
    theirs = sobol_analyze.analyze(problem, table["final.mineral_ug"].to_numpy(), calc_second_order=False)
    ours = pd.read_csv(results / "sensitivity.csv").set_index("factor").loc[problem["names"]]
    assert np.allclose(ours["s1"], theirs["S1"]) and np.allclose(ours["st"], theirs["ST"]), (ours, theirs)
    (folder / "morris").mkdir()
    results = merged(folder / "morris", head + 'method = "morris"\ntrajectories = 6\n' + factors)
    table = pd.read_parquet(results / "runs.parquet")
    problem = json.loads((results / "problem.json").read_text()) | {"bounds": [[1.0, 2.5], [0.01, 0.1]]}
    inputs = table[problem["names"]].to_numpy()
    scaled = (inputs - [1.0, 0.01]) / [1.5, 0.09]
    unit = problem | {"bounds": [[0, 1], [0, 1]]}
    theirs = morris_analyze.analyze(unit, scaled, table["final.mineral_ug"].to_numpy(), num_levels=4)
    ours = pd.read_csv(results / "sensitivity.csv").set_index("factor").loc[problem["names"]]
    assert np.allclose(ours["mu_star"], theirs["mu_star"]) and np.allclose(ours["sigma"], theirs["sigma"]), (ours, theirs)
    print("SALib finds the indices that calcisim prints")


for part in [readers, salib_in, salib_out]:
    with tempfile.TemporaryDirectory() as name:
        part(Path(name))
