# What one can do here. `just` lists it.

_default:
    @just --list

# Everything that a commit must pass
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
    cargo test --release

# Run a scenario: a name or a path, with options
run scenario="cua_warfarin" *options:
    cargo run --release -- run {{scenario}} {{options}}

# Draw the figures of a run folder or a comparison
figures folder="output/cua_warfarin-s1":
    cargo run --release -- figures {{folder}}

# The gates of the model: minutes on two cores
gates seeds="20":
    cargo run --release --example gates -- {{seeds}}

# What the engine costs, beside what memory allows
bench *options:
    cargo bench --bench engine {{options}}

# Write every table and figure of docs/ that takes minutes; `just studies` and `just proof NAME` make those that take hours
docs: gallery
    CALCISIM_WRITE_DOCS=1 cargo test --release --test tool architecture
    CALCISIM_WRITE_DOCS=1 cargo test --release --test engine switches
    CALCISIM_WRITE_DOCS=1 cargo test --release --test engine haemodynamics::the_table
    node web/build.mjs --page

# The golden states of all scenarios, after numbers changed on purpose: the stamp goes into CHANGELOG.md
golden:
    CALCISIM_WRITE_GOLDEN=1 cargo test --release --test trust promises::every_scenario_ends -- --include-ignored --nocapture

# The promises, each alone, and with debug assertions
promises:
    cargo test --release --test trust promises -- --include-ignored
    cargo test --profile checked --test trust promises
    cargo test --profile checked --test engine -- determinism conservation

# Kills, soak, long runs, the cost of promises: minutes
endurance:
    cargo test --release --test trust endurance -- --ignored --nocapture --test-threads 1

# Slips in every file that is read: cases for each target
fuzz cases="1000000":
    CALCISIM_FUZZ_CASES={{cases}} cargo test --release --test trust fuzz -- --nocapture

# The engine for a browser
wasm:
    cargo build --release --package calcisim-engine --target wasm32-unknown-unknown

# Draw the pictures of docs/gallery.md again (some minutes; the last ones need node, npm ci in web/ and Chromium)
gallery:
    #!/usr/bin/env sh
    set -eu
    cargo build --release
    at=$(mktemp -d)
    sim=target/release/calcisim
    card() { name=$1; run=$2; shift 2; "$sim" biopsy "$at/$run" "$@" --small --out "$at/$name" -q && cp "$at/$name"/*.png "docs/pictures/$name.png"; }
    "$sim" run cua_warfarin --days 60 --out "$at/cua"
    "$sim" run cua_warfarin --seed 3 --days 28 --out "$at/cua3"
    "$sim" run ckd_chronic --seed 2 --days 60 --out "$at/ckd"
    "$sim" run block_3d --days 12 --out "$at/block"
    card biopsy-cua-day60 cua --day 60 --punch 4mm --site lesion-edge
    card biopsy-cua-day28 cua3 --day 28 --punch 4mm --site 2.0
    card biopsy-ckd-day60 ckd --day 60 --punch 4mm --site 2.0
    card biopsy-block-day12 block --day 12 --punch 0.9mm --depth 2mm --site 0.5:0.5
    "$sim" figures "$at/cua" --animate docs/pictures/course.gif
    "$sim" run block_3d --days 6 --out "$at/block6"
    "$sim" biopsy "$at/block6" --day 4.5 --punch 0.4mm --depth 1.2mm --site 0.5:0.5 --in-run --out "$at/punched" -q
    "$sim" figures "$at/punched" --small && cp "$at/punched/figures/surface.png" docs/pictures/surface-block.png
    "$sim" figures "$at/cua" --small && cp "$at/cua/figures/timeline.png" docs/pictures/timeline.png
    "$sim" run healthy --days 45 --set space.width_mm=3 --set space.depth_mm=5 --set space.voxel_um=40 --out "$at/healthy"
    "$sim" biopsy "$at/healthy" --day 5 --punch 1.5mm --depth 3mm --site 1.5 --in-run --out "$at/wound" -q
    "$sim" figures "$at/wound" --small --day 6,45 && cp "$at/wound/figures/sections.png" docs/pictures/in-run.png
    # The report of eight arms where `just proof therapies_compare` was run, else of the smallest experiment.
    results=output/therapies_compare-results
    if ! [ -d "$results" ]; then
        results="$at/smoke"
        "$sim" experiment run smoke -o "$at/plan" && "$sim" experiment merge "$at/plan" -o "$results"
    fi
    "$sim" report "$results" --out "$at/report.html"
    node web/screens.mjs --file "$at/report.html" docs/pictures/report.png
    node web/screens.mjs --gallery
    rm -r "$at"

# Run a shipped experiment, or go on with it, and write its page in docs/experiments/
proof name:
    cargo build --release
    target/release/calcisim experiment run {{name}} -o output/{{name}}-plan
    target/release/calcisim experiment merge output/{{name}}-plan -o output/{{name}}-results --force
    target/release/calcisim figures output/{{name}}-results
    target/release/calcisim experiment page output/{{name}}-results -o docs/experiments/{{name}} --force

# The experiments behind docs/verdict.md, validation.md and directions.md, and their tables: hours. Each goes on where it was stopped; the words of the pages stay
studies:
    #!/usr/bin/env sh
    set -eu
    cargo build --release
    sim=target/release/calcisim
    results() {
        for name in "$@"; do
            "$sim" experiment run "$name" -o "output/$name-plan" -q
            "$sim" experiment merge "output/$name-plan" -o "output/$name-results" --force -q
        done
    }
    verdicts="verdict_broad verdict_broad_steelman verdict verdict_steelman"
    results $verdicts verdict_width healing
    for name in $verdicts; do "$sim" experiment verdict "output/$name-results" -o docs/verdict.md; done
    results stem_cells
    "$sim" experiment verdict output/stem_cells-results --criteria stem_cells_criteria -o docs/verdict.md
    sites=""
    for name in validation_sites validation_rodent validation_mouse validation_selye validation_distal; do
        results "$name"
        sites="$sites output/$name-results"
    done
    "$sim" experiment validate $sites output/healing-results -o docs/validation.md
    results directions
    "$sim" experiment validate output/directions-results --targets directions_targets --readings directions_readings -o docs/directions.md
    cargo run --release --example convergence -- output/convergence.csv 32 45
    cargo run --release --example solve_always -- cua_warfarin 10 30
    cargo bench --bench engine

# The Python package: wheel, tests, notebooks (docs/python.md)
python:
    cargo build --release
    .ci/python
