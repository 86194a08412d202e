//! The packages for crates.io, made and built together as a registry would have them.

use std::fs;

use anyhow::{Context as _, ensure};

use crate::release::Release;
use crate::release::metadata::{Metadata, Package};
use crate::tools::cargo;

/// Packages every crate that is to be published, and gives their names in the order to publish them.
pub(super) fn package(release: &Release) -> anyhow::Result<Vec<String>> {
    let order = order(&release.metadata)?;
    let mut args = vec!["package", "--locked"];
    for name in &order {
        args.extend(["-p", name.as_str()]);
    }
    // What is not committed was found before, or is part of a draft.
    args.push("--allow-dirty");
    ensure!(cargo(&args, &[])?, "the crates cannot be packaged");
    for name in &order {
        let file = format!("{name}-{}.crate", release.version);
        let made = release
            .metadata
            .target_directory
            .join("package")
            .join(&file);
        fs::copy(&made, release.directory.join(&file))
            .with_context(|| format!("{} is missing", made.display()))?;
    }
    Ok(order)
}

/// Each behind those it needs.
fn order(metadata: &Metadata) -> anyhow::Result<Vec<String>> {
    let published: Vec<&Package> = metadata
        .ours()
        .filter(|package| package.published)
        .collect();
    let mut done: Vec<&Package> = Vec::new();
    while done.len() < published.len() {
        let ready = published.iter().find(|package| {
            let waits = |id: &String| {
                published.iter().any(|it| it.id == *id) && done.iter().all(|it| it.id != *id)
            };
            done.iter().all(|it| it.id != package.id) && !package.needs.iter().any(waits)
        });
        done.push(ready.context("the crates need each other in a circle")?);
    }
    Ok(done.iter().map(|package| package.name.clone()).collect())
}
