"""Every refusal is a clear exception with the words of the command line."""

import pickle
import subprocess
import sys
import threading

import pytest

import calcisim


def test_an_unknown_key_is_answered_with_the_nearest_name_and_the_words_of_the_command_line(command, program, tiny, tmp_path):
    with pytest.raises(calcisim.InputError) as refused:
        calcisim.run(tiny, set={"host.phosphat_mmol_per_l": 2.4})
    assert "did you mean `phosphate_mmol_per_l`?" in str(refused.value)
    there = command("run", tiny, "--set", "host.phosphat_mmol_per_l=2.4", "--out", tmp_path / "x")
    assert refused.value.faults == there["errors"] and refused.value.exit_code == there["exit"] == 3
    said = subprocess.run(
        [program, "run", tiny, "--set", "host.phosphat_mmol_per_l=2.4", "--color", "never"], capture_output=True, text=True
    )
    words = lambda text: text.replace("error:", "").split()  # noqa: E731
    assert words(said.stderr) == words(str(refused.value))


def test_all_faults_come_at_once(tiny):
    wrong = {"host.phosphate_mmol_per_l": -1.0, "mechanisms.damp_lop": False, "space.plane": "sectoin", "run.days": "ten"}
    with pytest.raises(calcisim.InputError) as refused:
        calcisim.scenario(tiny, set=wrong)
    assert len(refused.value.faults) == 4
    for words in ["damp_loop", "section", "a number from"]:
        assert words in str(refused.value)


def test_an_unknown_scenario_is_answered_with_the_nearest_name():
    with pytest.raises(calcisim.FilesError, match="did you mean cua_warfarin"):
        calcisim.run("cua_warfrin")
    with pytest.raises(calcisim.FilesError):
        calcisim.compare("cua_warfrin", "healthy")
    with pytest.raises(calcisim.InputError) as refused:
        calcisim.compare("cua_warfrin", "helthy")
    assert len(refused.value.faults) == 2


@pytest.mark.parametrize(
    ("given", "kind", "words"),
    [
        ({"seed": "1"}, TypeError, "seed: expected a whole number"),
        ({"seed": 1.5}, TypeError, "seed: expected a whole number"),
        ({"seed": True}, TypeError, "seed"),
        ({"seed": -1}, ValueError, "seed = -1: expected a whole number from 0"),
        ({"seed": 2**64}, ValueError, "seed"),
        ({"days": "30"}, TypeError, "days: expected a number"),
        ({"days": -3}, calcisim.InputError, "run.days"),
        ({"days": float("nan")}, calcisim.InputError, "run.days"),
        ({"set": ["a=1"]}, TypeError, "set: expected a dictionary"),
        ({"set": {1: 2}}, TypeError, "a path is a text"),
        ({"set": {"host.phosphate_mmol_per_l": None}}, TypeError, "host.phosphate_mmol_per_l: expected"),
        ({"set": {"host.phosphate_mmol_per_l": {1, 2}}}, TypeError, "not set"),
        ({"set": {"host.phosphate_mmol_per_l": float("inf")}}, ValueError, "finite"),
        ({"set": {"host.phosphate_mmol_per_l": "2.4"}}, calcisim.InputError, "without quotes"),
        ({"set": {"space.plane": 3}}, calcisim.InputError, "section"),
        ({"set": {"": 3}}, calcisim.InputError, "empty"),
        ({"threads": 0}, ValueError, "threads"),
        ({"scenario": 7}, TypeError, "scenario: expected"),
        ({"scenario": "x = \n"}, calcisim.InputError, "not TOML"),
        ({"scenario": "\n"}, calcisim.InputError, "empty"),
    ],
)
def test_a_wrong_argument_is_named(tiny, given, kind, words):
    with pytest.raises(kind) as refused:
        calcisim.run(**{"scenario": tiny, **given})
    assert words in str(refused.value)


def test_exceptions_fit_where_python_expects_them():
    assert issubclass(calcisim.InputError, ValueError) and issubclass(calcisim.FilesError, OSError)
    assert issubclass(calcisim.NumericalError, ArithmeticError) and issubclass(calcisim.ConditionError, RuntimeError)
    with pytest.raises(calcisim.CalcisimError) as refused:
        calcisim.scenario("helthy")
    again = pickle.loads(pickle.dumps(refused.value))
    assert str(again) == str(refused.value) and again.faults == refused.value.faults


def test_a_released_model_says_so(tiny):
    model = calcisim.Model(tiny)
    model.step()
    branch = model.branch()
    model.release()
    model.release()
    for use in [model.step, lambda: model.state_hash, model.branch, lambda: model.series, model.now, model.run_to]:
        with pytest.raises(calcisim.ConditionError, match="released"):
            use()
    assert model.is_released and repr(model) == "<Model, released>"
    branch.step()
    with pytest.raises(calcisim.ConditionError, match="released"), model:
        pass


def test_a_model_at_work_in_another_thread_says_so(tiny):
    model = calcisim.Model(tiny, days=1000)
    thread = threading.Thread(target=lambda: model.step(400))
    thread.start()
    refused = 0
    while thread.is_alive():
        try:
            model.day  # noqa: B018
        except calcisim.ConditionError as fault:
            refused += "another thread" in str(fault)
    thread.join()
    assert refused > 0 and model.steps == 400


def test_a_branch_keeps_its_tissue(tiny):
    with calcisim.Model(tiny) as model, pytest.raises(calcisim.InputError, match="same tissue"):
        model.branch(set={"space.width_mm": 3.0})


def test_unknown_names_are_answered_with_the_nearest(run, tiny):
    with pytest.raises(calcisim.InputError, match='did you mean "oxygen"'):
        run.fields("oxigen")
    with pytest.raises(KeyError, match="did you mean 'mineral_ug'"):
        run.series["mineral"]
    with pytest.raises(calcisim.InputError) as refused:
        calcisim.simulate({}, 1, scenario=tiny, outputs=["final.necrotic_fractoin", "t_ulcr_d"])
    assert len(refused.value.faults) == 2 and "final.necrotic_fraction" in str(refused.value)
    with pytest.raises(calcisim.InputError, match="outside the run"):
        calcisim.simulate({}, 1, scenario=tiny, outputs=["at_50d.necrotic_fraction"])
    with pytest.raises(TypeError, match="outputs"):
        calcisim.simulate({}, 1, scenario=tiny, outputs="t_ulcer_d")


def test_nothing_is_imported_before_it_is_asked_for_and_what_lacks_is_named(tiny):
    code = f"""
import sys
for name in ["numpy", "pandas", "xarray", "pyarrow", "polars"]:
    sys.modules[name] = None
import calcisim
run = calcisim.run({str(tiny)!r}, days=0.25)
assert run.series.to_dict()["t_d"] == [0.0, 0.25], run.series.to_dict()["t_d"]
assert run.figure("time_series", small=True).data and run.fields("oxygen").shape == (30, 25)
for ask in [lambda: run.series["t_d"], run.series.to_pandas, run.series.to_arrow, run.fields("oxygen").to_xarray]:
    try:
        ask()
    except ImportError as fault:
        assert "pip install" in str(fault), fault
    else:
        raise SystemExit("it went through")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
