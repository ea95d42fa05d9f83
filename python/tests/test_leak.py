"""A thousand runs leave nothing behind."""

import gc
import os
import tempfile

import pytest

import calcisim


def resident_mib():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def one(tiny, seed):
    """One of everything that holds memory of the engine."""
    calcisim.simulate({"host.phosphate_mmol_per_l": 2.0}, seed % 5, scenario=tiny, days=0.05)
    if seed % 10:
        return
    with calcisim.Model(tiny, seed=seed % 5, threads=1) as model:
        model.step()
        model.fields("oxygen").values.sum()
        model.vessels.to_arrow()
        model.branch().step()
    with pytest.raises(calcisim.InputError):
        calcisim.simulate({"host.phosphat": 1.0}, 1, scenario=tiny)


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs /proc")
def test_a_thousand_runs_take_no_more_memory_than_a_hundred(tiny):
    for seed in range(100):
        one(tiny, seed)
    gc.collect()
    before = resident_mib()
    for seed in range(1000):
        one(tiny, seed)
    gc.collect()
    grown = resident_mib() - before
    print(f"\n1000 runs: {grown:.2f} MiB more than after 100 (of {before:.0f} MiB)")
    assert grown < 8


def test_temporary_folders_and_open_files_go_with_their_runs(tiny):
    folders = lambda: {name for name in os.listdir(tempfile.gettempdir()) if name.startswith("calcisim-")}  # noqa: E731
    files = lambda: len(os.listdir("/proc/self/fd"))  # noqa: E731
    before, opened = folders(), files()
    for seed in range(20):
        run = calcisim.run(tiny, seed=seed, days=0.05)
        run.fields("oxygen").values.sum()
    del run
    gc.collect()
    assert folders() == before and files() <= opened + 1
