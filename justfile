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

# Write what is generated in docs/
docs:
    CALCISIM_WRITE_DOCS=1 cargo test --release --test architecture

# The engine for a browser
wasm:
    cargo build --release --package calcisim-engine --target wasm32-unknown-unknown
