"""What Python costs beside the command line."""

import json
import subprocess
import time

import pytest

import calcisim


@pytest.mark.slow
def test_a_run_of_some_seconds_costs_at_most_two_per_cent_more_than_the_command_line(program, tmp_path):
    def there(i):
        out = tmp_path / f"there{i}"
        args = ["run", "cua_warfarin", "--threads", "1", "--days", "60", "--out", out, "-q", "--json"]
        found = json.loads(subprocess.run([program, *args], capture_output=True, text=True, check=True).stdout)
        return found["wall_s"], found["state_hash"]

    def here(i):
        started = time.perf_counter()
        run = calcisim.run("cua_warfarin", days=60, threads=1, out=tmp_path / f"here{i}")
        return time.perf_counter() - started, run.state_hash

    # The fastest of several turns of each: what is left is not the machine's other work.
    best, ratio = [float("inf")] * 2, float("inf")
    for i in range(10):
        (a, hash_a), (b, hash_b) = there(i), here(i)
        assert hash_a == hash_b
        best = [min(best[0], a), min(best[1], b)]
        ratio = best[1] / best[0]
        if i >= 2 and ratio <= 1.02:
            break
    print(f"\ncommand line {best[0]:.3f} s, Python {best[1]:.3f} s: {100 * (ratio - 1):+.2f} %")
    assert ratio <= 1.02
