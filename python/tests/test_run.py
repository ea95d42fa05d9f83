"""A run gives the bits of the command line, and shows what it is."""

import csv
import gc
import json

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import calcisim

CHANGES = {"host.phosphate_mmol_per_l": 2.4, "mechanisms": {"damp_loop": False}, "scale": {"thrombosis": 0.5}}


def test_the_state_is_that_of_the_command_line(command, tiny, run, tmp_path):
    there = command("run", tiny, "--seed", 4, "--out", tmp_path / "a")
    assert run.state_hash == there["state_hash"] == run.summary["state_hash"]
    assert run.summary["final"] == there["final"] and run.summary["t10_d"] == there["t10_d"]
    for name in ["series.csv", "events.csv", "hashes.csv", "observe.csv", "scenario.toml"]:
        assert (run.folder / name).read_bytes() == (tmp_path / "a" / name).read_bytes(), name


def test_changes_seed_and_days_are_those_of_the_command_line(command, tiny, tmp_path):
    here = calcisim.run(tiny, seed=7, days=1.5, set=CHANGES)
    there = command(
        "run", tiny, "--seed", 7, "--days", 1.5, "--out", tmp_path / "a",
        "--set", "host.phosphate_mmol_per_l=2.4", "--set", "mechanisms.damp_loop=false", "--set", "scale.thrombosis=0.5",
    )  # fmt: skip
    assert here.state_hash == there["state_hash"]
    assert here.days == 1.5 and here.seed == 7
    assert calcisim.simulate(CHANGES, 7, scenario=tiny, days=1.5, outputs=["state_hash"]) == {"state_hash": here.state_hash}


def test_a_shipped_scenario_has_the_state_of_the_command_line(command, tmp_path):
    there = command("run", "cua_warfarin", "--days", 1, "--out", tmp_path / "a")
    assert calcisim.run("cua_warfarin", days=1, seed=1).state_hash == there["state_hash"]


def test_threads_change_nothing(tiny, run):
    assert calcisim.run(tiny, seed=4, threads=3).state_hash == run.state_hash


def test_a_text_and_a_value_of_numpy_do_as_well_as_a_path_and_a_float(tiny, run):
    text = tiny.read_text()
    assert calcisim.run(text, seed=np.int64(4)).state_hash == run.state_hash
    value = {"host.phosphate_mmol_per_l": np.float64(2.0)}
    assert calcisim.simulate(value, 1, scenario=text, days=np.float32(0.5), outputs=["state_hash"]) == calcisim.simulate(
        {"host": {"phosphate_mmol_per_l": 2}}, 1, scenario=tiny, days=0.5, outputs=["state_hash"]
    )


def test_a_run_without_a_place_goes_with_its_object_and_a_saved_one_stays(tiny, tmp_path):
    run = calcisim.run(tiny, days=0.5)
    folder = run.folder
    assert run.is_temporary and (folder / "run.json").is_file()
    saved = run.save(tmp_path / "kept")
    longer = run.resume(days=1.0)
    assert longer.days == 1.0 and longer.state_hash == calcisim.run(tiny, days=1.0).state_hash
    del run, longer
    gc.collect()
    assert not folder.parent.exists()
    assert not saved.is_temporary and calcisim.open(tmp_path / "kept").state_hash == saved.state_hash


def test_a_folder_that_exists_is_not_overwritten(tiny, tmp_path):
    calcisim.run(tiny, days=0.25, out=tmp_path / "r")
    with pytest.raises(calcisim.FilesError) as refused:
        calcisim.run(tiny, days=0.25, out=tmp_path / "r")
    assert refused.value.exit_code == 4 and isinstance(refused.value, OSError)
    assert calcisim.run(tiny, days=0.5, out=tmp_path / "r", force=True).days == 0.5


def test_a_folder_that_the_command_line_wrote_opens(command, tiny, run, tmp_path):
    command("run", tiny, "--seed", 4, "--out", tmp_path / "a")
    there = calcisim.open(tmp_path / "a")
    assert isinstance(there, calcisim.Run) and there.status == "complete"
    assert np.array_equal(there.fields("oxygen").values, run.fields("oxygen").values)
    with pytest.raises(calcisim.FilesError):
        calcisim.open(tmp_path / "nothing")


def test_the_series_is_the_file(run):
    with (run.folder / "series.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(run.series) == len(rows) == 4 and run.series.columns == list(rows[0])
    assert run.series["t_d"].tolist() == [0, 1, 2, 3]
    for name in run.series:
        there = [float(row[name]) if row[name] else float("nan") for row in rows]
        np.testing.assert_array_equal(run.series[name], there)
    assert run.series.units["mineral_ug"] == "µg" and run.series.units["t_d"] == "d"


def test_pandas_arrow_and_polars_hold_the_same_bits(run):
    series = run.series
    arrow = pa.table(series)
    assert arrow.schema.field("mineral_ug").metadata[b"unit"] == "µg".encode()
    frame, polars = series.to_pandas(), series.to_polars()
    assert list(frame.columns) == arrow.column_names == polars.columns == series.columns
    for name in series:
        np.testing.assert_array_equal(frame[name], series[name])
        np.testing.assert_array_equal(arrow[name].to_pandas().astype(float), series[name])
        np.testing.assert_array_equal(polars[name].to_numpy().astype(float), series[name])
    assert frame.attrs["units"]["mean_po2_mmhg"] == "mmHg"


def test_arrow_shares_the_memory(run):
    places = [pa.table(run.series)["t_d"].chunk(0).buffers()[1].address for _ in range(2)]
    assert places[0] == places[1], "two tables over one buffer: nothing was copied"
    table = pa.table(run.series)
    address, here = table["t_d"].chunk(0).buffers()[1].address, run.series
    del here
    gc.collect()
    assert table["t_d"].to_pylist() == [0, 1, 2, 3] and table["t_d"].chunk(0).buffers()[1].address == address


def test_events_have_kind_place_and_cause(run):
    events = run.events
    assert "challenge" in events["kind"] and len(events) == events.to_pandas().shape[0]
    first = events["kind"].index("challenge")
    assert events["t_d"][first] == pytest.approx(1.0, abs=0.05)
    cause = events.to_pandas()["cause"]
    assert str(cause.dtype) == "Int64" and set(cause.dropna()) <= set(events["id"])
    assert events.to_dict()["id"] == events["id"].tolist()


def test_a_field_has_axes_units_and_the_surface_above(run):
    oxygen = run.fields("oxygen")
    assert oxygen.dims == ("z", "x") and oxygen.shape == (30, 25) == oxygen.values.shape
    assert oxygen.unit == "mmHg" and oxygen.day == 3 and oxygen.values.dtype == np.float32
    assert oxygen.coords["z"][:2] == [40, 120]
    layer = run.fields("layer")
    assert layer.meanings[layer.values[0, 0]] == "epidermis" and layer.meanings[layer.values[-1, 0]] in ("fat", "septum")
    array = oxygen.to_xarray()
    assert array.sel(z=100, x=1000, method="nearest").item() == oxygen.values[1, 12]
    assert array.attrs["units"] == "mmHg" and array.z.attrs["units"] == "µm"
    assert np.asarray(oxygen, dtype=np.float64).dtype == np.float64


def test_a_day_that_the_folder_lacks_is_computed_again_to_the_same_state(run, tiny):
    assert run.snapshot_days == [0, 3]
    there = run.at(2)
    assert "replayed" in there.origin and there.step == 48 and run.at(3).origin == ""
    with calcisim.Model(tiny, seed=4) as model:
        model.run_to(2)
        half = model.fields("oxygen").values.astype(np.float16).astype(np.float32)
        np.testing.assert_array_equal(there.fields("oxygen").values, half)
        assert model.vessels.to_dict() == there.vessels.to_dict()
    with pytest.raises(calcisim.InputError, match="holds days 0 to 3"):
        run.at(5)


def test_vessels_and_cells_are_tables(run):
    vessels = run.vessels.to_pandas()
    assert set(vessels["class"]) == {"arteriole", "capillary", "venule"}
    assert vessels["thrombus"].between(0, 1).all() and (vessels["radius_um"] > 0).all()
    assert run.vessels.units["flow_nl_per_min"] == "nl/min"
    assert set(run.cells.columns) == {"kind", "x_um", "y_um", "z_um", "state"}


def test_a_block_has_three_axes():
    text = """extends = "healthy"
[run]
days = 0.1
[space]
plane = "block"
width_mm = 0.4
breadth_mm = 0.4
depth_mm = 1.2
voxel_um = 25
[network]
judge = false
"""
    run = calcisim.run(text)
    assert run.fields("oxygen").dims == ("z", "y", "x") and run.fields("oxygen").shape == (48, 16, 16)


def test_figures_are_pictures_and_leave_the_folder_alone(run, tiny, tmp_path):
    before = sorted(path.name for path in run.folder.iterdir())
    figure = run.figure("time_series", small=True)
    assert figure.data.startswith(b"\x89PNG") and figure._repr_png_() == figure.data
    assert figure.save(tmp_path / "x.png").stat().st_size == len(figure.data)
    assert run.figure("time_series", format="svg")._repr_svg_().lstrip().startswith("<")
    assert run.figure(days=[0, 2], small=True).name == "sections"
    assert sorted(path.name for path in run.folder.iterdir()) == before
    with pytest.raises(calcisim.InputError, match='did you mean "network"'):
        run.figure("netwrk")
    with pytest.raises(calcisim.UsageError, match="'png' or 'svg'"):
        run.figure("network", format="gif")


def test_a_report_is_one_file(run, tmp_path):
    path = run.report(tmp_path / "report.html")
    assert path.read_text().lstrip().lower().startswith("<!doctype html")


def test_a_comparison_is_that_of_the_command_line(command, tiny, tmp_path):
    more = tmp_path / "more.toml"
    more.write_text(f'extends = "{tiny}"\n[host]\nphosphate_mmol_per_l = 2.4\n')
    there = command("compare", tiny, more, "--replicates", 2, "--seed", 5, "--out", tmp_path / "there")
    assert there["ok"], there
    here = calcisim.compare(tiny=tiny, more=(tiny, {"host.phosphate_mmol_per_l": 2.4}), replicates=2, seed=5)
    for name in ["runs.csv", "arms.csv", "contrasts.csv"]:
        assert (here.folder / name).read_bytes() == (tmp_path / "there" / name).read_bytes(), name
    assert here.arms == ["tiny", "more"] and len(here.runs) == 4
    assert here.runs["state_hash"][0] == calcisim.run(tiny, seed=5).state_hash
    contrasts = here.contrasts.to_pandas()
    assert set(contrasts["arm"]) == {"more"} and contrasts["diff_ci_low"].notna().any()
    assert len(here.series("more", 6)) == 4
    assert here.figure("time_series", small=True).data.startswith(b"\x89PNG")
    assert isinstance(calcisim.open(here.save(tmp_path / "kept").folder), calcisim.Comparison)


def test_words_stay_words_even_when_they_look_like_numbers(tmp_path, tiny):
    here = calcisim.compare(a=tiny, b=tiny, replicates=2, days=0.25)
    assert all(isinstance(state, str) and len(state) == 16 for state in here.runs["state_hash"])
    # A hash can be all digits.
    text = (here.folder / "runs.csv").read_text()
    (tmp_path / "c").mkdir()
    copy = here.save(tmp_path / "d")
    (copy.folder / "runs.csv").write_text(text.replace(here.runs["state_hash"][0], "0123456789012345"))
    assert copy.runs["state_hash"][0] == "0123456789012345"


def test_lists_say_what_there_is():
    assert "cua_warfarin" in calcisim.scenarios() and all(calcisim.scenarios().values())
    found = calcisim.parameters()
    phosphate = found["host.phosphate_mmol_per_l"]
    assert phosphate.unit == "mmol/L" and phosphate.possible[0] <= phosphate.value <= phosphate.possible[1]
    assert all(key.startswith("mineral.") for key in calcisim.parameters("mineral")) and calcisim.parameters("mineral")
    assert len(pd.DataFrame(found.values())) == len(found)
    resolved = calcisim.scenario("msc_local", set={"host.phosphate_mmol_per_l": 2.0})
    assert resolved.values["host.phosphate_mmol_per_l"] == 2.0
    assert resolved.origins["host.phosphate_mmol_per_l"] == "--set 1" and resolved.question
    assert json.dumps(calcisim.schema())


def test_a_value_outside_the_evidence_is_a_warning(tiny):
    with pytest.warns(calcisim.ScenarioWarning, match="outside the range of the evidence"):
        calcisim.run(tiny, days=0.1, set={"host.phosphate_mmol_per_l": 4.5})


def test_a_notebook_shows_tables_runs_and_figures(run):
    assert "<th>mineral_ug<br><small>µg</small></th>" in run.series._repr_html_()
    assert run.state_hash in run._repr_html_() and run.state_hash in repr(run)
    assert "30 z × 25 x" in repr(run.fields("oxygen")) and pl.DataFrame(run.series).height == 4
