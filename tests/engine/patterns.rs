//! What the clinic sees, as order and direction, on small sections. These are gates that the model was fitted to
//! (docs/model.md); `cargo run --release --example gates` shows them over twenty sites at full size.

use calcisim::error::Result;
use calcisim::model::Model;
use calcisim::output::series::{Definitions, Look, Row};
use calcisim::scenario::{Scenario, Shipped};
use calcisim::simulation::RunSettings;
use calcisim::state::{Kind, Vitality};

/// A section of 3 × 5 mm at 40 µm of a shipped scenario or of a text.
fn settings(text: &str) -> Result<RunSettings> {
    let sets = ["space.width_mm=3.0", "space.depth_mm=5.0", "space.voxel_um=40.0"].map(str::to_owned);
    let (scenario, _) = Scenario::from_text("pattern.toml", text, &sets)?;
    RunSettings::of(&scenario, &Shipped)
}

fn row(model: &Model, definitions: &Definitions) -> Row {
    Look::at(&model.tissue, definitions).row(model.clock.step(), model.clock.day())
}

fn steps(model: &mut Model, days: f64) -> Result<()> {
    for _ in 0..(days * 24.0) as usize {
        model.step()?;
    }
    Ok(())
}

const HEALTHY: &str = "schema = 1\nname = \"pattern\"\nextends = \"healthy\"\n";

#[test]
fn health_stays_clean_for_two_months() -> Result<()> {
    let settings = settings(HEALTHY)?;
    for seed in [1, 2] {
        let mut model = Model::new(settings.parameters.clone(), seed)?;
        steps(&mut model, 60.0)?;
        let row = row(&model, &settings.definitions);
        assert_eq!(row.get("necrotic_fraction"), Some(0.0), "seed {seed}");
        assert_eq!(row.get("calcified_segment_fraction"), Some(0.0), "seed {seed}");
        assert!(row.get("endothelial_integrity").unwrap_or(0.0) > 0.98, "seed {seed}");
    }
    Ok(())
}

#[test]
fn a_dialysis_patient_calcifies_and_keeps_his_skin() -> Result<()> {
    let settings = settings("schema = 1\nname = \"pattern\"\nextends = \"ckd_chronic\"\n")?;
    let mut model = Model::new(settings.parameters.clone(), 1)?;
    let before = row(&model, &settings.definitions);
    steps(&mut model, 45.0)?;
    let after = row(&model, &settings.definitions);
    let mineral = |row: &Row| row.get("mineral_ug").unwrap_or(0.0);
    assert!(
        mineral(&after) > 1.2 * mineral(&before),
        "{} -> {}",
        mineral(&before),
        mineral(&after)
    );
    assert!(after.get("necrotic_fraction").unwrap_or(1.0) < 0.01);
    Ok(())
}

#[test]
fn a_bruise_of_0_4_mm_in_health_clears() -> Result<()> {
    let bruise =
        "[[challenge]]\nid = \"bruise\"\nkind = \"trauma\"\nstart_d = 1\nx_mm = 1.5\ndepth_mm = 3.4\nradius_mm = 0.4\n";
    let settings = settings(&format!("{HEALTHY}{bruise}"))?;
    let mut model = Model::new(settings.parameters.clone(), 1)?;
    steps(&mut model, 3.0)?;
    let hurt = row(&model, &settings.definitions);
    assert!(
        hurt.get("endothelial_integrity").unwrap_or(1.0) < 0.99,
        "the bruise must be felt"
    );
    steps(&mut model, 57.0)?;
    let healed = row(&model, &settings.definitions);
    assert!(healed.get("endothelial_integrity").unwrap_or(0.0) > 0.99);
    assert!(
        healed.get("thrombosed_segment_fraction").unwrap_or(1.0) < 0.005,
        "{:?}",
        healed.get("thrombosed_segment_fraction")
    );
    assert!(
        healed.get("necrotic_outside_fraction").unwrap_or(1.0) < 0.01,
        "{:?}",
        healed.get("necrotic_outside_fraction")
    );
    Ok(())
}

#[test]
fn a_dead_disc_of_0_6_mm_in_health_stops() -> Result<()> {
    let settings = settings(HEALTHY)?;
    let mut model = Model::new(settings.parameters.clone(), 2)?;
    let tissue = &mut model.tissue;
    let disc = tissue.grid.within_um([1500.0, 0.0, 3400.0], 600.0);
    let fat = &mut tissue.cells.adipocytes;
    for &voxel in &disc {
        tissue.anatomy.kill(voxel, 0);
        if tissue.anatomy.kind[voxel] == Kind::Fat {
            fat.dead[tissue.anatomy.adipocyte[voxel] as usize] = 1;
        }
    }
    let dead = |model: &Model| {
        model
            .tissue
            .anatomy
            .vitality
            .iter()
            .filter(|v| **v == Vitality::Necrotic)
            .count() as f64
    };
    let before = dead(&model);
    steps(&mut model, 20.0)?;
    let ever = model.tissue.anatomy.ever_died.iter().filter(|&&died| died).count() as f64;
    assert!(ever < 1.5 * before, "a dead disc of {before} voxels grew to {ever}");
    let late = ever;
    steps(&mut model, 10.0)?;
    let ever = model.tissue.anatomy.ever_died.iter().filter(|&&died| died).count() as f64;
    assert!(ever <= 1.02 * late, "it still grows after 20 days: {late} -> {ever}");
    Ok(())
}
