//! `cargo xtask release`: everything that belongs to a release, made and tried on this machine. Nothing is published.
//!
//! What is made lies in `release-VERSION` below the target directory: an archive with a program that runs on any
//! Linux of its architecture, the list of what is in it (SBOM), the packages for crates.io, and the sums of all of them.

#![expect(
    clippy::disallowed_methods,
    reason = "files of a release are made anew, and lost with it"
)]

mod archive;
mod checks;
mod crates;
mod licences;
mod man;
mod metadata;
mod program;
mod sbom;
mod shell;
mod tried;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use crate::say::say;
use crate::tools::root;

pub(crate) use man::{ManArgs, write as write_man};

#[derive(Args, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
pub(crate) struct ReleaseArgs {
    /// Leave `cargo xtask ci` out
    #[arg(long)]
    skip_ci: bool,
    /// Leave the packages for crates.io out
    #[arg(long)]
    skip_crates: bool,
    /// Do not try the archive in a root of its own, where that is not allowed
    #[arg(long)]
    skip_try: bool,
    /// Go on although the tree, the version or the changelog is not ready; what is made is called a draft
    #[arg(long)]
    draft: bool,
}

/// What is being released.
#[derive(Debug)]
pub(crate) struct Release {
    version: String,
    /// The target triple of the program.
    triple: &'static str,
    /// Seconds since 1970 that every file in the archive bears.
    epoch: u64,
    /// Where everything is put.
    directory: PathBuf,
    metadata: metadata::Metadata,
}

impl Release {
    /// `playbook-0.1.0-x86_64-unknown-linux-musl`
    fn name(&self) -> String {
        format!("playbook-{}-{}", self.version, self.triple)
    }
}

/// Makes a release.
pub(crate) fn run(args: &ReleaseArgs) -> anyhow::Result<()> {
    let metadata = metadata::read()?;
    let wrong = checks::problems(&metadata)?;
    for problem in &wrong {
        say(format_args!("not ready: {problem}"));
    }
    anyhow::ensure!(
        args.draft || wrong.is_empty(),
        "this tree cannot be released; --draft goes on all the same"
    );
    if args.skip_ci {
        say("SKIPPED: `cargo xtask ci`, as asked. Nothing has tested what is released here.");
    } else {
        crate::ci::run(&crate::ci::CiArgs::default())?;
    }
    let release = prepare(metadata, !wrong.is_empty())?;
    let binary = program::build(&release)?;
    let folder = gather(&release, &binary)?;
    let archive = archive::pack(&release.directory, &folder, release.epoch)?;
    if args.skip_try {
        say("SKIPPED: trying the archive, as asked. Nothing has run what is released here.");
    } else {
        tried::unpacked(&release, &archive)?;
    }
    let packages = if args.skip_crates {
        say("SKIPPED: the packages for crates.io, as asked.");
        Vec::new()
    } else {
        crates::package(&release)?
    };
    archive::sums(&release.directory)?;
    fs::remove_dir_all(&folder)?;
    tell(&release, &packages, !wrong.is_empty());
    Ok(())
}

fn prepare(metadata: metadata::Metadata, draft: bool) -> anyhow::Result<Release> {
    let version = metadata.version("playbook-cli")?;
    let draft = if draft { "-draft" } else { "" };
    let directory = metadata
        .target_directory
        .join(format!("release-{version}{draft}"));
    if directory.exists() {
        fs::remove_dir_all(&directory)
            .with_context(|| format!("cannot empty {}", directory.display()))?;
    }
    fs::create_dir_all(&directory)?;
    Ok(Release {
        triple: program::triple()?,
        epoch: checks::epoch()?,
        directory,
        metadata,
        version,
    })
}

/// Puts together what is in the archive, in a folder of the archive's name.
fn gather(release: &Release, binary: &Path) -> anyhow::Result<PathBuf> {
    let folder = release.directory.join(release.name());
    fs::create_dir_all(folder.join("completions"))?;
    fs::copy(binary, folder.join("playbook"))?;
    for name in ["README.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"] {
        fs::copy(root().join(name), folder.join(name))
            .with_context(|| format!("{name} is missing"))?;
    }
    for (shell, name) in [
        ("bash", "playbook.bash"),
        ("zsh", "_playbook"),
        ("fish", "playbook.fish"),
    ] {
        let script = shell::output(binary, &["completions", shell])?;
        fs::write(folder.join("completions").join(name), script)?;
    }
    let schema = shell::output(binary, &["schema"])?;
    fs::write(folder.join("playbook.schema.json"), schema)?;
    man::write_into(&folder.join("man/man1"))?;
    shell::copy_tracked("examples", &folder)?;
    let packages = release.metadata.linked("playbook-cli")?;
    fs::write(
        folder.join("THIRD-PARTY.txt"),
        licences::text(&packages, release.triple)?,
    )?;
    let sbom = sbom::cyclonedx(release, &packages)?;
    fs::write(folder.join("playbook.cdx.json"), &sbom)?;
    fs::write(
        release
            .directory
            .join(format!("{}.cdx.json", release.name())),
        &sbom,
    )?;
    Ok(folder)
}

fn tell(release: &Release, packages: &[String], draft: bool) {
    let directory = release.directory.display();
    say(format_args!("\nmade, in {directory}:"));
    for line in archive::listing(&release.directory) {
        say(format_args!("  {line}"));
    }
    if draft {
        say("\nThis is a draft: see 'not ready' above.");
        return;
    }
    let version = &release.version;
    say("\nNothing was published. To publish it:");
    say(format_args!(
        "  git tag -s v{version} -m v{version} && git push origin v{version}"
    ));
    for package in packages {
        say(format_args!("  cargo publish --locked -p {package}"));
    }
    say(format_args!(
        "and put the files above, without the packages for crates.io, where the release is to be found"
    ));
}
