"""Other people's tools, on real output."""

import math
import subprocess

import numpy as np
import pandas as pd
import pytest

import calcisim

#: What the models of these tests answer.
OXYGEN = ["final.mean_po2_mmhg"]


def test_salib_takes_a_model_as_a_function(tiny):
    pytest.importorskip("SALib")
    from SALib.analyze import sobol as analyse
    from SALib.sample import sobol as sample

    names = ["host.phosphate_mmol_per_l", "host.arterial_po2_mmhg"]
    problem = {"num_vars": 2, "names": names, "bounds": [[1.0, 2.5], [70.0, 110.0]]}
    design = sample.sample(problem, 8, calc_second_order=False, seed=1)

    def value(row):
        return calcisim.simulate(dict(zip(names, row)), 1, scenario=tiny, days=0.25, outputs=OXYGEN)[OXYGEN[0]]

    found = analyse.analyze(problem, np.array([value(row) for row in design]), calc_second_order=False, seed=1)
    assert len(design) == 8 * 4 and np.isfinite(found["ST"]).all()
    assert found["ST"][1] > 0.5 > found["ST"][0], "blood brings the oxygen of the tissue, phosphate does not"


def test_a_plain_loop_of_abc_finds_the_parameter_that_made_the_data(tiny):
    name, truth = "host.arterial_po2_mmhg", 85.0
    data = calcisim.simulate({name: truth}, 1, scenario=tiny, days=0.25, outputs=OXYGEN)
    particles = np.random.default_rng(7).uniform(60.0, 120.0, 60)
    distance = []
    for seed, particle in enumerate(particles):
        found = calcisim.simulate({name: particle}, 1 + seed % 2, scenario=tiny, days=0.25, outputs=OXYGEN)
        distance.append(math.dist(found.values(), data.values()))
    kept = particles[np.argsort(distance)[:8]]
    assert kept.std() < 0.5 * particles.std() and abs(kept.mean() - truth) < 8.0


def test_pyabc_samples_a_posterior(tiny, tmp_path):
    pyabc = pytest.importorskip("pyabc")
    name = "host.arterial_po2_mmhg"

    def model(parameters):
        return calcisim.simulate(parameters, 1, scenario=tiny, days=0.25, outputs=OXYGEN)

    prior = pyabc.Distribution(**{name: pyabc.RV("uniform", 60, 60)})
    sampler = pyabc.sampler.SingleCoreSampler()
    abc = pyabc.ABCSMC(model, prior, pyabc.PNormDistance(p=1), population_size=20, sampler=sampler)
    abc.new(f"sqlite:///{tmp_path}/abc.db", model({name: 85.0}))
    frame, weights = abc.run(max_nr_populations=2).get_distribution()
    assert abs(np.average(frame[name], weights=weights) - 85.0) < 12.0


def test_the_tables_of_an_experiment_open_in_pandas_polars_and_duckdb(program, tiny, tmp_path):
    duckdb, pl = pytest.importorskip("duckdb"), pytest.importorskip("polars")
    (tmp_path / "e.toml").write_text(
        f'kind = "sweep"\nname = "e"\nbase = "{tiny}"\nreplicates = 2\n[design]\nmethod = "grid"\n'
        '[[factors]]\npath = "host.phosphate_mmol_per_l"\nlow = 1.0\nhigh = 2.5\nsteps = 3\n'
    )
    for args in [["run", "e.toml", "-o", "plan"], ["merge", "plan", "-o", "results"]]:
        subprocess.run([program, "experiment", *args, "-q"], cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)
    path = tmp_path / "results" / "runs.parquet"
    frame = pd.read_parquet(path)
    assert len(frame) == 6 and pl.read_parquet(path).height == 6
    ((count,),) = duckdb.sql(f"select count(distinct state_hash) from '{path}'").fetchall()
    assert count == 6
    # A row of the table is the run of its factor and seed.
    row = frame.iloc[3]
    factor = "host.phosphate_mmol_per_l"
    again = calcisim.simulate({factor: row[factor]}, int(row["seed"]), scenario=tiny, outputs=["state_hash", "final.mineral_ug"])
    assert again == {"state_hash": row["state_hash"], "final.mineral_ug": row["final.mineral_ug"]}


def test_duckdb_reads_a_table_in_memory(run):
    duckdb = pytest.importorskip("duckdb")
    series = run.series.to_arrow()  # noqa: F841
    ((most,),) = duckdb.sql("select max(t_d) from series").fetchall()
    assert most == 3


def test_xarray_stacks_the_days_of_a_run(run):
    xr = pytest.importorskip("xarray")
    days = [0, 1, 3]
    stack = xr.concat([run.fields("oxygen", day).to_xarray() for day in days], xr.Variable("day", days), combine_attrs="drop_conflicts")
    assert stack.dims == ("day", "z", "x") and stack.attrs["units"] == "mmHg"
    depth = stack.mean(["day", "x"])
    assert depth.sel(z=slice(0, 500)).size == 6 and float(depth.max()) < 160
