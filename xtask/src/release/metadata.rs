//! What cargo knows of the workspace and of what the program is made of.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use serde_json::Value;

use crate::release::{program, shell};
use crate::tools::root;

/// What `cargo metadata` says, as far as it is of use here.
#[derive(Debug)]
pub(crate) struct Metadata {
    pub(super) packages: BTreeMap<String, Package>,
    /// Which packages each is linked with, by their ids.
    needs: BTreeMap<String, Vec<String>>,
    pub(super) target_directory: PathBuf,
}

/// One package.
#[derive(Debug, Clone)]
pub(super) struct Package {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) licence: Option<String>,
    pub(super) folder: PathBuf,
    /// It is a crate of this workspace.
    pub(super) ours: bool,
    pub(super) published: bool,
    pub(super) checksum: Option<String>,
    pub(super) needs: Vec<String>,
}

/// Asks cargo.
pub(super) fn read() -> anyhow::Result<Metadata> {
    let args = [
        "metadata",
        "--format-version=1",
        "--locked",
        "--filter-platform",
        program::triple()?,
    ];
    let printed = shell::output("cargo", &args)?;
    let lock = fs::read_to_string(root().join("Cargo.lock"))?;
    parse(&serde_json::from_slice(&printed)?, &checksums(&lock))
        .context("cargo metadata has another form than is known here")
}

fn parse(printed: &Value, checksums: &BTreeMap<(String, String), String>) -> Option<Metadata> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let mut needs = BTreeMap::new();
    for node in printed["resolve"]["nodes"].as_array()? {
        let linked = node["deps"].as_array()?.iter().filter(|dep| {
            let kinds = dep["dep_kinds"].as_array();
            kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind["kind"].is_null()))
        });
        let linked: Option<Vec<String>> = linked.map(|dep| text(&dep["pkg"])).collect();
        needs.insert(text(&node["id"])?, linked?);
    }
    let mut packages = BTreeMap::new();
    for package in printed["packages"].as_array()? {
        let (name, version) = (text(&package["name"])?, text(&package["version"])?);
        let manifest = PathBuf::from(package["manifest_path"].as_str()?);
        let id = text(&package["id"])?;
        let package = Package {
            licence: text(&package["license"]),
            folder: manifest.parent()?.to_owned(),
            ours: package["source"].is_null(),
            published: package["publish"]
                .as_array()
                .is_none_or(|to| !to.is_empty()),
            checksum: checksums.get(&(name.clone(), version.clone())).cloned(),
            needs: needs.get(&id).cloned().unwrap_or_default(),
            id: id.clone(),
            name,
            version,
        };
        packages.insert(id, package);
    }
    Some(Metadata {
        packages,
        needs,
        target_directory: printed["target_directory"].as_str()?.into(),
    })
}

/// The SHA-256 of each package from a registry, by name and version, as the lock has them.
fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    let field = |block: &str, key: &str| {
        let line = block.lines().find_map(|line| line.strip_prefix(key))?;
        Some(line.trim_start_matches(" = ").trim_matches('"').to_owned())
    };
    let blocks = lock.split("[[package]]").skip(1);
    blocks
        .filter_map(|block| {
            Some((
                (field(block, "name")?, field(block, "version")?),
                field(block, "checksum")?,
            ))
        })
        .collect()
}

impl Metadata {
    /// The crates of this workspace.
    pub(super) fn ours(&self) -> impl Iterator<Item = &Package> {
        self.packages.values().filter(|package| package.ours)
    }

    pub(super) fn version(&self, name: &str) -> anyhow::Result<String> {
        let package = self.ours().find(|package| package.name == name);
        Ok(package
            .with_context(|| format!("there is no crate {name}"))?
            .version
            .clone())
    }

    /// A crate of this workspace and everything that is linked into it, or made its code, by name and version.
    pub(super) fn linked(&self, name: &str) -> anyhow::Result<Vec<&Package>> {
        let first = self.ours().find(|package| package.name == name);
        let mut waiting = vec![
            first
                .with_context(|| format!("there is no crate {name}"))?
                .id
                .clone(),
        ];
        let mut seen = BTreeSet::new();
        while let Some(id) = waiting.pop() {
            if seen.insert(id.clone()) {
                waiting.extend(self.needs.get(&id).into_iter().flatten().cloned());
            }
        }
        let mut linked: Vec<&Package> = self
            .packages
            .values()
            .filter(|it| seen.contains(&it.id))
            .collect();
        linked.sort_by_key(|package| (&package.name, &package.version));
        Ok(linked)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn package(name: &str) -> Value {
        json!({"name": name, "version": "1.0.0", "id": name, "license": "MIT", "manifest_path": format!("{name}/Cargo.toml"),
               "source": if name == "ours" { Value::Null } else { json!("registry") }, "publish": null})
    }

    fn dep(name: &str, kind: &Value) -> Value {
        json!({"pkg": name, "dep_kinds": [{"kind": kind}]})
    }

    #[test]
    fn what_only_builds_or_tests_is_not_linked() {
        let printed = json!({
            "target_directory": "t",
            "packages": [package("ours"), package("linked"), package("deeper"), package("tests"), package("builds")],
            "resolve": {"nodes": [
                {"id": "ours", "deps": [dep("linked", &Value::Null), dep("tests", &json!("dev"))]},
                {"id": "linked", "deps": [dep("deeper", &Value::Null), dep("builds", &json!("build"))]},
                {"id": "deeper", "deps": []},
            ]},
        });
        let metadata = parse(&printed, &BTreeMap::new()).unwrap();
        let names: Vec<&str> = metadata
            .linked("ours")
            .unwrap()
            .iter()
            .map(|it| it.name.as_str())
            .collect();
        assert_eq!(names, ["deeper", "linked", "ours"]);
        assert!(metadata.linked("linked").is_err());
    }

    #[test]
    fn checksums_are_those_of_the_lock() {
        let lock = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"r\"\nchecksum = \"abc\"\n\n[[package]]\nname = \"b\"\nversion = \"2.0.0\"\n";
        let sums = checksums(lock);
        assert_eq!(
            sums.get(&("a".to_owned(), "1.0.0".to_owned()))
                .map(String::as_str),
            Some("abc")
        );
        assert_eq!(sums.len(), 1);
    }
}
