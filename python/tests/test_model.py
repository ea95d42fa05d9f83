"""A model by hand gives the bits of a run; it hears Ctrl-C and shares the machine."""

import multiprocessing
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import calcisim


def hashes(run):
    lines = (run.folder / "hashes.csv").read_text().splitlines()[1:]
    return {int(step): state for step, state in (line.split(",") for line in lines)}


def test_every_recorded_state_of_a_run_is_that_of_a_model(run, tiny):
    with calcisim.Model(tiny, seed=4) as model:
        found = {}
        for _ in range(73):
            found[model.steps] = model.state_hash
            model.step()
    recorded = hashes(run)
    assert len(recorded) >= 2 and all(found[step] == state for step, state in recorded.items())


def test_series_events_and_summary_are_those_of_the_run(run, tiny):
    model = calcisim.Model(tiny, seed=4)
    model.run_to()
    assert model.day == model.days == 3 and model.state_hash == run.state_hash
    assert model.summary == run.summary
    for here, there in [(model.series, run.series), (model.events, run.events), (model.vessels, run.vessels)]:
        assert here.columns == there.columns and here.to_dict() == there.to_dict()


def test_the_last_row_of_the_series_is_now(tiny):
    model = calcisim.Model(tiny)
    model.step(30)
    assert model.series["t_d"].tolist() == [0, 1, 1.25]
    model.step(0)
    model.run_to(0.5)
    assert model.steps == 30, "a day that has passed is no work"


def test_steps_in_pieces_give_the_same_bits(tiny):
    one, other = calcisim.Model(tiny, seed=9), calcisim.Model(tiny, seed=9, threads=1)
    one.step(50)
    for n in [1, 2, 7, 40]:
        other.step(n)
    assert one.state_hash == other.state_hash


def test_a_branch_without_changes_is_the_model_itself_and_with_changes_another(tiny):
    model = calcisim.Model(tiny, seed=2)
    model.run_to(1.5)
    same, other = model.branch(), model.branch(set={"mechanisms.thrombosis": False})
    assert same.state_hash == model.state_hash == other.state_hash
    for one in [model, same, other]:
        one.run_to(3)
    assert same.state_hash == model.state_hash != other.state_hash
    assert same.series.to_dict() == model.series.to_dict() and same.summary == model.summary
    assert len(other.series) == len(model.series), "a branch remembers its past"


def test_fields_of_a_model_are_exact(tiny):
    with calcisim.Model(tiny) as model:
        oxygen = model.fields("oxygen").values
        assert oxygen.dtype == np.float32 and (oxygen != oxygen.astype(np.float16)).any()
        before = model.state_hash
        oxygen[:] = 0
        assert model.state_hash == before and model.fields("oxygen").values.max() > 0, "a field is a copy"


def test_simulate_gives_the_endpoints_of_the_run(run, tiny):
    found = calcisim.simulate({}, 4, scenario=tiny)
    assert found["final.mineral_ug"] == run.summary["final"]["mineral_ug"]
    assert all(np.isnan(value) or isinstance(value, float) for value in found.values())
    names = ["at_1d.perfused_fraction", "t_ulcer_d", "max.inflammation", "read_2d.crp", "state_hash"]
    chosen = calcisim.simulate({}, 4, scenario=tiny, outputs=names, missing=None)
    assert list(chosen) == names and chosen["state_hash"] == run.state_hash
    assert chosen["at_1d.perfused_fraction"] == run.series["perfused_fraction"][1]
    assert chosen["max.inflammation"] == run.summary["max"]["inflammation"] and chosen["read_2d.crp"] > 0
    assert chosen["t_ulcer_d"] == run.summary["t_ulcer_d"]


def press_ctrl_c_after(seconds):
    # Behind a shell's `&` Python ignores Ctrl-C from the start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(seconds, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()


def test_ctrl_c_ends_a_model_between_two_steps(tiny):
    model = calcisim.Model(tiny, days=10_000)
    press_ctrl_c_after(0.3)
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        model.step(1_000_000)
    assert time.monotonic() - started < 5
    stood = model.steps
    assert 0 < stood < 1_000_000
    model.step()
    assert model.steps == stood + 1
    again = calcisim.Model(tiny, days=10_000)
    again.step(stood + 1)
    assert again.state_hash == model.state_hash, "what an interruption left is whole"


def test_ctrl_c_leaves_a_run_that_can_go_on(tiny, tmp_path):
    press_ctrl_c_after(0.4)
    with pytest.raises(KeyboardInterrupt):
        calcisim.run(tiny, days=3000, out=tmp_path / "r")
    stopped = calcisim.open(tmp_path / "r")
    assert stopped.status == "stopped"
    press_ctrl_c_after(0.3)
    with pytest.raises(KeyboardInterrupt):
        calcisim.simulate({}, 1, scenario=tiny, days=3000)


def test_the_interpreter_is_free_during_a_run(tiny):
    done, count = threading.Event(), 0
    thread = threading.Thread(target=lambda: (calcisim.simulate({}, 1, scenario=tiny, days=10), done.set()))
    thread.start()
    while not done.is_set():
        count += 1
        time.sleep(0.001)
    thread.join()
    assert count > 20, "this thread went on meanwhile"


def test_threads_of_python_run_side_by_side_to_the_same_values(tiny):
    one = [calcisim.simulate({}, seed, scenario=tiny, days=1)["final.mineral_ug"] for seed in range(6)]
    with ThreadPoolExecutor(3) as pool:
        many = list(pool.map(lambda seed: calcisim.simulate({}, seed, scenario=tiny, days=1)["final.mineral_ug"], range(6)))
    assert one == many


def mineral(job):
    scenario, seed = job
    return calcisim.simulate({}, seed, scenario=scenario, days=1)["final.mineral_ug"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_pool_of_processes_works_after_runs_in_the_parent(tiny, run):
    assert mineral((tiny, 3)) > 0
    with multiprocessing.get_context("fork").Pool(2) as pool:
        there = pool.map_async(mineral, [(tiny, seed) for seed in range(4)]).get(60)
    assert there == [mineral((tiny, seed)) for seed in range(4)]
    assert run.folder.is_dir(), "a child does not remove the folder of its parent"
