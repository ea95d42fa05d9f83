"""The JSON Schema takes every shipped scenario and refuses what `check` refuses."""

import json
import sys
from pathlib import Path

import pytest

import calcisim

ROOT = Path(__file__).resolve().parents[2]
jsonschema = pytest.importorskip("jsonschema")
tomllib = pytest.importorskip("tomllib") if sys.version_info >= (3, 11) else pytest.importorskip("tomli")
SCHEMA = json.loads((ROOT / "docs" / "scenario.schema.json").read_text())
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)


def faults(text):
    return [fault.message for fault in VALIDATOR.iter_errors(tomllib.loads(text))]


def test_the_schema_is_well_formed_and_that_of_the_engine():
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    assert SCHEMA == calcisim.schema()


@pytest.mark.parametrize("path", sorted((ROOT / "scenarios").glob("*.toml")), ids=lambda path: path.stem)
def test_it_takes_every_shipped_scenario_as_written_and_resolved(path):
    assert faults(path.read_text()) == []
    assert faults(calcisim.scenario(path).toml) == []


@pytest.mark.parametrize(
    "text",
    [
        "[host]\nphosphat_mmol_per_l = 1.0",
        "[host]\nphosphate_mmol_per_l = -1.0",
        "[host]\nphosphate_mmol_per_l = '1.0'",
        "[hots]\nphosphate_mmol_per_l = 1.0",
        "[space]\nplane = 'sectoin'",
        "[mechanisms]\ndamp_loop = 0.5",
        "[mechanisms]\ndamp_lop = true",
        "[scale]\ndamp_loop = -1.0",
        "[scale]\n'mineral.growth_rate_per_dd' = 2.0",
        "[[therapy]]\nkind = 'mcs'\nstart_d = 1",
        "[[therapy]]\nkind = 'sts'\nroute = 'iv'\nstart_d = 1\ndose_mg = 25",
        "[[therapy]]\nkind = 'msc'\nroute = 'oral'\nstart_d = 1\ndose_cells_per_cm2 = 1e6",
        "[[therapy]]\nkind = 'sts'\nroute = 'iv'\nwhen = 'mineral > 3'\ndose_g = 25",
        "[[therapy]]\nroute = 'iv'\nstart_d = 1",
        "[[challenge]]\nkind = 'trauma'\nstart_d = 1\nduration_h = 3\ndepth_mm = 1\nradius_mm = 1",
        "[[challenge]]\nkind = 'trauma'\ndepth_mm = 1\nradius_mm = 1",
        "schema = 2",
        "days = 30",
    ],
)
def test_it_refuses_what_check_refuses(text):
    assert faults(text) != []
    with pytest.raises(calcisim.CalcisimError):
        calcisim.scenario(text + "\n")


def test_it_takes_scales_both_ways_and_a_part_of_an_entry_that_is_extended():
    assert faults("[scale]\n'mineral.growth_rate_per_d' = 2.0\ninfection = 0.5\n[scale.oxygen]\nhypoxia_mmhg = 1.5") == []
    assert faults("extends = 'msc_local'\n[[therapy]]\nid = 'product'\nstart_d = 12") == []
    assert faults("[host]\nphosphate_mg_per_dl = 6.7") == []
