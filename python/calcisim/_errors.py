"""Exceptions: what the command line says, with its exit code and its list of faults."""

from __future__ import annotations

import json
from typing import Any


class CalcisimError(Exception):
    """Anything that calcisim refuses or cannot do. The text is that of the command line.

    Attributes
    ----------
    exit_code : int
        The exit code that the command line would end with.
    faults : list of dict
        Every fault with the keys ``file, line, column, key, value, expected, suggestion, message``.
    """

    exit_code: int = 1
    faults: list[dict[str, Any]]

    def __init__(self, text: str, faults: list[dict[str, Any]] | None = None) -> None:
        super().__init__(text)
        self.faults = faults or []


class UsageError(CalcisimError, ValueError):
    """A call that makes no sense (exit code 2)."""

    exit_code = 2


class InputError(CalcisimError, ValueError):
    """A scenario or a change of it is wrong; all faults at once (exit code 3)."""

    exit_code = 3


class FilesError(CalcisimError, OSError):
    """A file or the disk is the trouble (exit code 4)."""

    exit_code = 4


class MissingToolError(CalcisimError, ImportError):
    """An optional tool is missing (exit code 5)."""

    exit_code = 5


class NumericalError(CalcisimError, ArithmeticError):
    """The state became unphysical: step, day, process, quantity and place are in the text (exit code 6)."""

    exit_code = 6


class ConditionError(CalcisimError, RuntimeError):
    """A condition was not met: a released model, results in conflict, a folder of another version (exit code 7)."""

    exit_code = 7


class ScenarioWarning(UserWarning):
    """What the author of a scenario should know, such as a value outside the range of the evidence."""


_BY_CODE: dict[int, type[CalcisimError]] = {
    2: UsageError,
    3: InputError,
    4: FilesError,
    5: MissingToolError,
    6: NumericalError,
    7: ConditionError,
}


def exception_of(exit_code: int, text: str, faults: str) -> BaseException:
    """The exception of an error of the engine."""
    if exit_code == 130:
        return KeyboardInterrupt(text)
    return _BY_CODE.get(exit_code, CalcisimError)(text, json.loads(faults))
