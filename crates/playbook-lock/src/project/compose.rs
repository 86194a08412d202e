//! Putting a playbook together: its text, the params files it names, and what is given for one run.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use playbook_hash::disk::Root;
use playbook_types::finding::{Finding, Findings, KeyPath, Origin};
use playbook_types::name::ParamKey;
use playbook_types::parse::{Draft, Layers, ParamsFile, ParamsFormat, Parsed, SourceName};
use playbook_types::path::DataPath;
use playbook_types::value::ParamValue;

use crate::error::LockError;
use crate::project::disk::Disk;
use crate::project::sources::{Source, digest_of, read_regular};

/// Params for one run, over all that a playbook says.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// Files with params, later ones over earlier ones. They may hold more than the playbook has.
    pub files: Vec<PathBuf>,
    /// Single params, over those of the files. Each must be one that the playbook has.
    pub set: Vec<(ParamKey, ParamValue)>,
}

impl Overrides {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.set.is_empty()
    }
}

/// Where a playbook is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'p> {
    /// As it was given.
    pub(super) file: &'p Path,
    pub(super) root: &'p Root,
    pub(super) name: &'p SourceName,
}

/// A playbook put together.
#[derive(Debug)]
pub(super) struct Composed {
    pub(super) parsed: Parsed,
    /// What it was made of besides its text.
    pub(super) sources: Vec<Source>,
    /// What was given for this run and is not as the playbook says.
    pub(super) overridden: IndexMap<ParamKey, ParamValue>,
}

/// Puts together the playbook with this text, and checks it as it will run.
pub(super) fn compose(
    text: &str,
    place: Place<'_>,
    overrides: &Overrides,
) -> Result<Composed, LockError> {
    let wrong = |findings: Findings| LockError::Playbook {
        path: place.file.to_owned(),
        findings,
    };
    let mut draft = Draft::read(text).map_err(wrong)?;
    let (mut sources, files) = declared_files(&mut draft, place.root)?;
    let given = overrides.files.iter().map(|path| given_file(path));
    let given = given.collect::<Result<_, _>>()?;
    let set = &overrides.set;
    let draft = draft.with_params(Layers { files, given, set })?;
    let overridden = draft.overridden(set);
    let mut disk = Disk::new(place.root);
    let parsed = draft.check(place.name, &mut disk).map_err(wrong)?;
    sources.extend(disk.into_sources());
    Ok(Composed {
        parsed,
        sources,
        overridden,
    })
}

/// Reads what `params_files` names. What is not there is told with all else that is wrong with the playbook.
fn declared_files(
    draft: &mut Draft<'_>,
    root: &Root,
) -> Result<(Vec<Source>, Vec<ParamsFile>), LockError> {
    let (mut sources, mut files) = (Vec::new(), Vec::new());
    let named = draft.params_files();
    let named: Vec<(KeyPath, DataPath)> = named.map(|(at, path)| (at, path.clone())).collect();
    for (at, path) in named {
        // One that does not say what it is written in was refused already.
        let Some(format) = ParamsFormat::of(Path::new(path.as_str())) else {
            continue;
        };
        let file = root.resolve(&path);
        match read_regular(&file) {
            Ok(bytes) => {
                let origin = Origin::ParamsFile(path.clone());
                files.push(ParamsFile::parse(&bytes, format, origin));
                let digest = digest_of(&bytes);
                sources.push(Source::ParamsFile { path, digest });
            }
            Err(error) => draft.report(unread(at, &path, file, error)?),
        }
    }
    Ok((sources, files))
}

/// Why a params file cannot be read, as a fault of the playbook that names it, if it is one.
fn unread(
    at: KeyPath,
    path: &DataPath,
    file: PathBuf,
    source: io::Error,
) -> Result<Finding, LockError> {
    let finding = |what: &str| Finding::error(at, format!("the params file {path} {what}"));
    match source.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Ok(finding("does not exist")
            .hint("put it there, or correct the path: it is relative to the playbook's directory")),
        ErrorKind::IsADirectory => Ok(finding("is a directory").hint("name the files in it")),
        ErrorKind::InvalidInput => Ok(finding("is no regular file").hint("name one that is")),
        ErrorKind::PermissionDenied => {
            Ok(finding("cannot be read: permission denied").hint("make it readable"))
        }
        _ => Err(LockError::ParamsFileUnreadable { path: file, source }),
    }
}

/// Reads a file that the command line names.
fn given_file(path: &Path) -> Result<ParamsFile, LockError> {
    let format = ParamsFormat::of(path).ok_or_else(|| LockError::ParamsFileFormat {
        path: path.to_owned(),
    })?;
    let bytes = std::fs::read(path).map_err(|source| LockError::ParamsFileUnreadable {
        path: path.to_owned(),
        source,
    })?;
    let origin = Origin::Given(path.display().to_string());
    Ok(ParamsFile::parse(&bytes, format, origin))
}
