"""A model in the hands of a program, and a whole run as a function for inference."""

from __future__ import annotations

import json
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from . import _calcisim
from ._folders import say
from ._table import Field, Moment, Table
from ._values import ScenarioLike, SetLike, number, request, sets, threads, whole


class Model:
    """One site at risk, stepped by hand.

    >>> with calcisim.Model("cua_warfarin", seed=1) as model:
    ...     model.run_to(20)
    ...     treated = model.branch(set={"mechanisms.damp_loop": False})
    ...     model.run_to(30), treated.run_to(30)

    It gives the bits of :func:`run`: after the same step the ``state_hash`` is the same. Steps release the interpreter's lock,
    and Ctrl-C ends them between two steps. A model belongs to one thread at a time.

    Parameters
    ----------
    scenario, seed, set, days, threads
        As in :func:`run`; ``days`` is where :meth:`run_to` ends by default.
    """

    def __init__(
        self,
        scenario: ScenarioLike,
        *,
        seed: int | None = None,
        set: SetLike | None = None,
        days: float | None = None,
        threads: int | None = None,
    ) -> None:
        self._core, found = _calcisim.Course.build(request(scenario, set, seed, days), _threads(threads))
        say(found)

    @classmethod
    def _of(cls, core: _calcisim.Course) -> Model:
        model = cls.__new__(cls)
        model._core = core
        return model

    def step(self, n: int = 1) -> None:
        """``n`` steps on; a step is an hour unless the scenario says otherwise."""
        count = whole("n", n)
        if count:
            self._core.step(count)

    def run_to(self, day: float | None = None) -> None:
        """Steps to a day, or to the end of the scenario; does nothing when the day has passed."""
        count = self._core.steps_to(number("day", day))
        if count:
            self._core.step(count)

    @property
    def scenario(self) -> str:
        """Name of the scenario."""
        return self._core.place()[0]

    @property
    def seed(self) -> int:
        """Seed of the site."""
        return self._core.place()[1]

    @property
    def steps(self) -> int:
        """Steps so far."""
        return self._core.place()[2]

    @property
    def day(self) -> float:
        """Day, from the integer step."""
        return self._core.place()[3]

    @property
    def days(self) -> float:
        """Length that the scenario asks for [d]."""
        return self._core.place()[4]

    @property
    def step_h(self) -> float:
        """Length of a step [h]."""
        return self._core.place()[5]

    @property
    def state_hash(self) -> str:
        """Hash of the state now, 16 hex digits."""
        return self._core.place()[6]

    @property
    def series(self) -> Table:
        """The course so far, with the columns of :attr:`Run.series`; the last row is now."""
        return Table(self._core.series())

    @property
    def events(self) -> Table:
        """What happened so far."""
        return Table(self._core.events())

    @property
    def summary(self) -> dict[str, Any]:
        """The outcome so far, with the keys of :attr:`Run.summary`."""
        found = json.loads(self._core.summary())
        assert isinstance(found, dict)
        return found

    def now(self) -> Moment:
        """The tissue now, as a copy: fields in full (single) precision, vessels, cells."""
        return Moment(self._core.slice())

    def fields(self, name: str) -> Field:
        """One field now; see :class:`Field`."""
        return self.now().fields(name)

    @property
    def vessels(self) -> Table:
        """Every vessel segment now."""
        return self.now().vessels

    @property
    def cells(self) -> Table:
        """Every moving cell now."""
        return self.now().cells

    def branch(self, *, set: SetLike | None = None, days: float | None = None) -> Model:
        """A second model that leaves this one here, with changes. Without changes it gives the same bits as this one."""
        core, found = self._core.branch(sets(set), number("days", days))
        say(found)
        return Model._of(core)

    def release(self) -> None:
        """Gives the memory back at once; any later use raises :class:`ConditionError`. ``with`` does it at the end."""
        self._core.release()

    @property
    def is_released(self) -> bool:
        """Whether :meth:`release` was called."""
        return self._core.is_released

    def __enter__(self) -> Model:
        self._core.place()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.release()

    def __repr__(self) -> str:
        if self.is_released:
            return "<Model, released>"
        name, seed, _, day, days, _, state = self._core.place()
        return f"<Model {name}, seed {seed}: day {day:g} of {days:g}, state {state}>"


_threads = threads


def simulate(
    params: SetLike | None = None,
    seed: int | None = None,
    *,
    scenario: ScenarioLike = "cua_warfarin",
    days: float | None = None,
    outputs: Sequence[str] | None = None,
    missing: Any = float("nan"),
    threads: int | None = 1,
) -> dict[str, Any]:
    """A whole run in memory as a function of parameters and seed: for pyABC, SALib, PyMC, any optimiser.

    Writes no file and keeps nothing. Threads of Python may call it at the same time: it releases the interpreter's lock.

    Parameters
    ----------
    params : dict
        Path to value, as ``set`` of :func:`run`.
    seed : int, optional
        Seed of the site.
    scenario, days
        As in :func:`run`.
    outputs : list of str, optional
        ``final.COLUMN``, ``max.COLUMN``, ``at_28d.COLUMN``, ``read_28d.INSTRUMENT``, a date as ``t_ulcer_d``, ``state_hash``.
        By default ``final.*`` and all dates.
    missing
        What stands for a date that did not come and for a column that does not apply; NaN by default.
    threads : int
        Threads inside the run, 1 by default: callers of this function use their cores for several runs.

    Returns
    -------
    dict of str to float
        In the order of ``outputs``; ``state_hash`` as text where it is asked for.
    """
    if outputs is not None and (isinstance(outputs, str) or not all(isinstance(name, str) for name in outputs)):
        raise TypeError("outputs: expected a list of names, as ['final.necrotic_fraction', 't_ulcer_d']")
    names = list(outputs) if outputs is not None else []
    wanted = [name for name in names if name != "state_hash"]
    # Only the hash is asked for: the engine is asked for something, too.
    asked = wanted or (["final.necrotic_fraction"] if names else [])
    values, state = _calcisim.simulate(request(scenario, params, seed, days), asked, _threads(threads))
    if not names:
        return {name: missing if value is None else value for name, value in values.items()}
    values["state_hash"] = state
    return {name: missing if values[name] is None else values[name] for name in names}
