//! The list of what the program is made of, in the form of `CycloneDX`.

use serde_json::{Value, json};

use crate::release::metadata::Package;
use crate::release::{Release, shell};

/// The list as JSON. It says nothing of the machine: the same tree gives the same bytes.
pub(super) fn cyclonedx(release: &Release, packages: &[&Package]) -> anyhow::Result<String> {
    let moment = shell::text(
        "date",
        &[
            "-u",
            "-d",
            &format!("@{}", release.epoch),
            "+%Y-%m-%dT%H:%M:%SZ",
        ],
    )?;
    let bom = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": moment,
            "component": {
                "type": "application",
                "bom-ref": "playbook",
                "name": "playbook",
                "version": release.version,
                "licenses": [{"expression": "MIT OR Apache-2.0"}],
            },
        },
        "components": packages.iter().map(|package| component(package)).collect::<Vec<_>>(),
        "dependencies": dependencies(packages),
    });
    Ok(serde_json::to_string_pretty(&bom)? + "\n")
}

fn component(package: &Package) -> Value {
    let mut component = json!({
        "type": "library",
        "bom-ref": reference(package),
        "name": package.name,
        "version": package.version,
        "purl": reference(package),
    });
    if let Some(licence) = &package.licence {
        // Older manifests put a slash where SPDX has OR.
        component["licenses"] = json!([{"expression": licence.replace('/', " OR ")}]);
    }
    if let Some(sum) = &package.checksum {
        component["hashes"] = json!([{"alg": "SHA-256", "content": sum}]);
    }
    component
}

fn dependencies(packages: &[&Package]) -> Vec<Value> {
    let referred = |id: &String| {
        packages
            .iter()
            .find(|package| package.id == *id)
            .map(|it| reference(it))
    };
    let program = packages
        .iter()
        .filter(|package| package.name == "playbook-cli");
    let program: Vec<String> = program.map(|package| reference(package)).collect();
    let mut all = vec![json!({"ref": "playbook", "dependsOn": program})];
    for package in packages {
        let mut needs: Vec<String> = package.needs.iter().filter_map(referred).collect();
        needs.sort();
        all.push(json!({"ref": reference(package), "dependsOn": needs}));
    }
    all
}

fn reference(package: &Package) -> String {
    format!("pkg:cargo/{}@{}", package.name, package.version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_has_its_licence_and_the_sum_of_the_lock() {
        let package = Package {
            id: "a".to_owned(),
            name: "a".to_owned(),
            version: "1.2.3".to_owned(),
            licence: Some("MIT/Apache-2.0".to_owned()),
            folder: "a".into(),
            ours: false,
            published: true,
            checksum: Some("00ff".to_owned()),
            needs: vec!["not in the program".to_owned(), "a".to_owned()],
        };
        let component = component(&package);
        assert_eq!(component["licenses"][0]["expression"], "MIT OR Apache-2.0");
        assert_eq!(component["hashes"][0]["content"], "00ff");
        let dependencies = dependencies(&[&package]);
        assert_eq!(dependencies[1]["dependsOn"], json!(["pkg:cargo/a@1.2.3"]));
    }
}
