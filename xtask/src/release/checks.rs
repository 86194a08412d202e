//! Whether the tree can be released: nothing uncommitted, one version everywhere, a changelog and a tag that fit it.

use std::env;
use std::fs;

use anyhow::Context as _;

use crate::release::metadata::Metadata;
use crate::release::shell;
use crate::tools::root;

/// Everything that speaks against it.
pub(super) fn problems(metadata: &Metadata) -> anyhow::Result<Vec<String>> {
    let version = metadata.version("playbook-cli")?;
    let mut problems = Vec::new();
    let changed = shell::text("git", &["status", "--porcelain"])?;
    if !changed.is_empty() {
        let count = changed.lines().count();
        problems.push(format!(
            "{count} files differ from the last commit; commit them: git status"
        ));
    }
    for package in metadata.ours().filter(|package| package.version != version) {
        problems.push(format!(
            "{} has version {}, not {version}; take version.workspace = true",
            package.name, package.version
        ));
    }
    let changelog =
        fs::read_to_string(root().join("CHANGELOG.md")).context("there is no CHANGELOG.md")?;
    problems.extend(changelog_problem(&changelog, &version));
    let here = shell::text("git", &["tag", "--points-at", "HEAD"])?;
    let all = shell::text("git", &["tag", "--list", "v*"])?;
    problems.extend(tag_problem(&version, &here, &all));
    Ok(problems)
}

/// The changelog has a dated section for the version, with something in it, above those of older ones.
fn changelog_problem(changelog: &str, version: &str) -> Option<String> {
    let mut sections = changelog.split("\n## ").skip(1);
    let wanted = format!("give it a section in CHANGELOG.md: ## {version} - YYYY-MM-DD");
    let named = |section: &&str| name_of(section) == version;
    let position = sections.clone().position(|section| named(&section));
    let Some(position) = position else {
        return Some(format!(
            "CHANGELOG.md has nothing about {version}; {wanted}"
        ));
    };
    let above = sections.clone().take(position);
    if let Some(other) = above.map(name_of).find(|name| name != "Unreleased") {
        return Some(format!(
            "CHANGELOG.md has {other} above {version}; the version in Cargo.toml is an older one"
        ));
    }
    let section = sections.nth(position).unwrap_or_default();
    let (heading, text) = section.split_once('\n').unwrap_or((section, ""));
    let date = heading
        .rsplit_once(" - ")
        .map_or("", |(_, date)| date.trim());
    if !is_date(date) {
        return Some(format!(
            "the section of {version} in CHANGELOG.md has no date; {wanted}"
        ));
    }
    text.trim()
        .is_empty()
        .then(|| format!("the section of {version} in CHANGELOG.md is empty"))
}

/// `[0.1.0] - 2026-01-01` and `0.1.0` are both sections of 0.1.0.
fn name_of(section: &str) -> String {
    let heading = section.lines().next().unwrap_or("");
    let name = heading.split_whitespace().next().unwrap_or("");
    name.trim_matches(['[', ']']).to_owned()
}

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let digits = |part: &&str, length: usize| {
        part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    matches!(parts.as_slice(), [year, month, day] if digits(year, 4) && digits(month, 2) && digits(day, 2))
}

/// A tag may be set after the release was tried, but then it has to be this version's.
fn tag_problem(version: &str, here: &str, all: &str) -> Option<String> {
    let tag = format!("v{version}");
    if here.lines().any(|it| it == tag) {
        return None;
    }
    if all.lines().any(|it| it == tag) {
        return Some(format!(
            "{tag} is the tag of another commit; raise the version in Cargo.toml"
        ));
    }
    let other = here.lines().find(|it| is_version_tag(it))?;
    Some(format!(
        "this commit is tagged {other}, but the version in Cargo.toml is {version}"
    ))
}

fn is_version_tag(tag: &str) -> bool {
    tag.strip_prefix('v')
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// The moment that files of the release bear: given by who asks for it, else that of the commit.
pub(super) fn epoch() -> anyhow::Result<u64> {
    let text = match env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => text,
        Err(_) => shell::text("git", &["log", "-1", "--format=%ct"])?,
    };
    text.parse()
        .with_context(|| format!("'{text}' is not a number of seconds (SOURCE_DATE_EPOCH)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "# Changelog\n\n## Unreleased\n\n## 0.2.0 - 2026-03-01\n\n- It runs.\n\n## 0.1.0 - 2026-01-01\n\n- Begun.\n";

    #[test]
    fn a_dated_section_with_text_is_enough() {
        assert_eq!(changelog_problem(GOOD, "0.2.0"), None);
        let linked = GOOD.replace("## 0.2.0", "## [0.2.0]");
        assert_eq!(changelog_problem(&linked, "0.2.0"), None);
    }

    #[test]
    fn a_changelog_that_does_not_fit_is_named() {
        let problem = |text: &str, version: &str| changelog_problem(text, version).unwrap();
        assert!(problem(GOOD, "0.3.0").contains("nothing about 0.3.0"));
        assert!(problem(GOOD, "0.1.0").contains("has 0.2.0 above 0.1.0"));
        assert!(problem(&GOOD.replace(" - 2026-03-01", ""), "0.2.0").contains("has no date"));
        assert!(problem(&GOOD.replace("2026-03-01", "soon"), "0.2.0").contains("has no date"));
        assert!(problem(&GOOD.replace("- It runs.", ""), "0.2.0").contains("is empty"));
    }

    #[test]
    fn a_tag_is_this_versions_or_there_is_none_yet() {
        assert_eq!(tag_problem("0.2.0", "v0.2.0", "v0.1.0\nv0.2.0"), None);
        assert_eq!(tag_problem("0.2.0", "", "v0.1.0"), None);
        assert_eq!(tag_problem("0.2.0", "nightly", "v0.1.0"), None);
        assert!(
            tag_problem("0.2.0", "v0.3.0", "v0.3.0")
                .unwrap()
                .contains("tagged v0.3.0")
        );
        assert!(
            tag_problem("0.2.0", "", "v0.2.0")
                .unwrap()
                .contains("another commit")
        );
    }
}
