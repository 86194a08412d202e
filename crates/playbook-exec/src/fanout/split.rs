//! Which jobs a directory is split into, and what each makes.
//!
//! The files are those the directory's digest is made of: what is ignored, and names that are the program's own, are
//! none. They are sorted by the bytes of their paths. In a glob `*` stops at `/` and matches names that begin with a dot.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use globset::GlobBuilder;
use playbook_hash::{EntryKind, JobFile, JobKeys, Listing};
use playbook_types::digest::Digest;
use playbook_types::model::fanout::{Parallel, Strategy};
use playbook_types::path::DataPath;

/// Why a directory cannot be split.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SplitFault {
    /// It is none.
    #[error("dep {dep} is a file; a stage with 'parallel' splits a directory")]
    NotADirectory {
        /// The dep.
        dep: DataPath,
    },
    /// A symbolic link among its files.
    #[error(
        "{path} is a symbolic link; what it points to is not part of the directory, and a change there would go unnoticed: put the file itself there, or leave the link out with 'glob' or in .playbookignore"
    )]
    Link {
        /// The link.
        path: String,
    },
    /// A file name that is not text.
    #[error(
        "the name of {path} is not UTF-8, and cannot be put into a command; rename the file, or leave it out with 'glob' or in .playbookignore"
    )]
    NotText {
        /// The path, with what is not text replaced.
        path: String,
    },
    /// Two files that would become one.
    #[error(
        "{first} and {second} would both be made into {output}; rename one, or leave it out with 'glob'"
    )]
    SameOutput {
        /// One.
        first: DataPath,
        /// The other.
        second: DataPath,
        /// What both would make.
        output: DataPath,
    },
    /// What is made of one file is the directory of what is made of another.
    #[error(
        "{first} would be made into {output}, which is the directory that what is made of {second} goes into; rename one"
    )]
    NestedOutput {
        /// One.
        first: DataPath,
        /// The other.
        second: DataPath,
        /// What the first would make.
        output: DataPath,
    },
}

/// The jobs of a stage.
#[derive(Debug)]
pub(crate) struct Jobs {
    dep: DataPath,
    out: DataPath,
    ext: Option<String>,
    /// How many files a job gets.
    size: usize,
    files: Vec<Input>,
}

/// A file to be read.
#[derive(Debug)]
struct Input {
    /// Below the dep.
    path: Box<str>,
    digest: Digest,
}

impl Jobs {
    /// Splits a directory with this in it.
    pub(crate) fn split(
        parallel: &Parallel,
        (dep, out): (&DataPath, &DataPath),
        listing: &Listing,
    ) -> Result<Self, SplitFault> {
        // Validation refuses what is no glob.
        let glob = parallel
            .glob
            .as_ref()
            .and_then(|glob| GlobBuilder::new(glob).literal_separator(true).build().ok())
            .map(|glob| glob.compile_matcher());
        let matches = |path: &Path| glob.as_ref().is_none_or(|glob| glob.is_match(path));
        let mut files = Vec::new();
        for entry in listing.entries() {
            if entry.kind == EntryKind::Directory || !matches(&entry.path) {
                continue;
            }
            let shown = || {
                Path::new(dep.as_str())
                    .join(&entry.path)
                    .display()
                    .to_string()
            };
            if entry.kind == EntryKind::Link {
                return Err(SplitFault::Link { path: shown() });
            }
            let path = entry
                .path
                .to_str()
                .ok_or_else(|| SplitFault::NotText { path: shown() })?;
            files.push(Input {
                path: path.into(),
                digest: entry.digest,
            });
        }
        files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        let jobs = Self {
            dep: dep.clone(),
            out: out.clone(),
            ext: parallel.ext.clone(),
            size: match parallel.strategy {
                Strategy::PerFile => 1,
                Strategy::Chunked { chunk_size } => chunk_size as usize,
            },
            files,
        };
        jobs.refuse_clashes()?;
        Ok(jobs)
    }

    /// Two files differ in more than their extensions, or what they become is one. Without an extension of its own
    /// nothing can clash.
    fn refuse_clashes(&self) -> Result<(), SplitFault> {
        if self.ext.is_none() {
            return Ok(());
        }
        let mut made: BTreeMap<String, usize> = BTreeMap::new();
        for number in 0..self.files.len() {
            let output = self.output_below(number);
            if let Some(first) = made.insert(output, number) {
                return Err(SplitFault::SameOutput {
                    first: self.input(first),
                    second: self.input(number),
                    output: self.output(number),
                });
            }
        }
        for (output, second) in &made {
            let above = Path::new(output).ancestors().skip(1);
            let first = above
                .filter_map(Path::to_str)
                .find_map(|above| made.get(above));
            if let Some(first) = first {
                return Err(SplitFault::NestedOutput {
                    first: self.input(*first),
                    second: self.input(*second),
                    output: self.output(*first),
                });
            }
        }
        Ok(())
    }

    /// How many jobs there are.
    pub(crate) fn len(&self) -> usize {
        self.files.len().div_ceil(self.size)
    }

    fn files_of(&self, job: usize) -> Range<usize> {
        let first = job * self.size;
        first..(first + self.size).min(self.files.len())
    }

    /// What a job reads.
    pub(crate) fn inputs(&self, job: usize) -> Vec<DataPath> {
        self.files_of(job).map(|file| self.input(file)).collect()
    }

    /// The digests of what it reads, in the same order.
    pub(crate) fn digests(&self, job: usize) -> impl Iterator<Item = Digest> {
        self.files_of(job).map(|file| self.files[file].digest)
    }

    /// What it makes.
    pub(crate) fn outputs(&self, job: usize) -> Vec<DataPath> {
        self.files_of(job).map(|file| self.output(file)).collect()
    }

    /// The same below the stage's out.
    pub(crate) fn outputs_below(&self, job: usize) -> impl Iterator<Item = String> {
        self.files_of(job).map(|file| self.output_below(file))
    }

    /// Everything that all jobs make, below the stage's out.
    pub(crate) fn all_outputs_below(&self) -> BTreeSet<String> {
        (0..self.files.len())
            .map(|file| self.output_below(file))
            .collect()
    }

    /// Its key.
    pub(crate) fn key(&self, keys: &JobKeys, job: usize) -> Digest {
        let (inputs, outputs) = (self.inputs(job), self.outputs(job));
        let paths = inputs.iter().zip(&outputs);
        let files: Vec<_> = paths
            .zip(self.digests(job))
            .map(|((input, output), digest)| JobFile {
                input,
                digest,
                output,
            })
            .collect();
        keys.key(files.into_iter())
    }

    /// What people call it: by what it reads.
    pub(crate) fn title(&self, job: usize) -> String {
        let files = self.files_of(job);
        let first = self.input(files.start).to_string();
        match files.len() {
            1 => first,
            2 => format!("{first} and 1 more"),
            len => format!("{first} and {} more", len - 1),
        }
    }

    /// The job that reads this, if one does.
    pub(crate) fn reading(&self, path: &DataPath) -> Option<usize> {
        let all = 0..self.files.len();
        let mut found = all.filter(|file| self.input(*file) == *path);
        found.next().map(|file| file / self.size)
    }

    fn input(&self, file: usize) -> DataPath {
        below(&self.dep, &self.files[file].path)
    }

    fn output(&self, file: usize) -> DataPath {
        below(&self.out, &self.output_below(file))
    }

    fn output_below(&self, file: usize) -> String {
        let path = &*self.files[file].path;
        match &self.ext {
            None => path.to_owned(),
            Some(ext) => {
                let path: PathBuf = Path::new(path).with_extension(ext);
                path.to_string_lossy().into_owned()
            }
        }
    }
}

/// The path of what stands at `path` below a directory of the playbook.
pub(crate) fn below(directory: &DataPath, path: &str) -> DataPath {
    let joined = format!("{directory}/{path}");
    // Names of files have no `..` and no NUL, so that this is a path.
    DataPath::parse(&joined).unwrap_or_else(|_| directory.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use playbook_hash::ListingEntry;
    use proptest::prelude::{Just, prop, prop_assert, prop_assert_eq, proptest};
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    fn listing(entries: &[(&str, EntryKind)]) -> Listing {
        let entry = |(path, kind): &(&str, EntryKind)| ListingEntry {
            path: PathBuf::from(path),
            kind: *kind,
            digest: Digest::from_bytes([u8::try_from(path.len()).unwrap(); 32]),
        };
        Listing::from_entries(entries.iter().map(entry).collect())
    }

    fn files(paths: &[&str]) -> Listing {
        let all: Vec<_> = paths.iter().map(|path| (*path, EntryKind::File)).collect();
        listing(&all)
    }

    fn parallel(strategy: Strategy, glob: Option<&str>, ext: Option<&str>) -> Parallel {
        Parallel {
            strategy,
            glob: glob.map(str::to_owned),
            max_workers: None,
            ext: ext.map(str::to_owned),
        }
    }

    fn split(parallel: &Parallel, listing: &Listing) -> Result<Jobs, SplitFault> {
        let path = |text| DataPath::parse(text).unwrap();
        Jobs::split(parallel, (&path("raw"), &path("../done")), listing)
    }

    fn shown(jobs: &Jobs) -> Vec<String> {
        let job = |job| {
            let text = |paths: Vec<DataPath>| {
                paths
                    .iter()
                    .map(DataPath::as_str)
                    .collect::<Vec<_>>()
                    .join("+")
            };
            format!("{} → {}", text(jobs.inputs(job)), text(jobs.outputs(job)))
        };
        (0..jobs.len()).map(job).collect()
    }

    #[test]
    fn files_become_jobs_in_the_order_of_their_bytes() {
        let all = listing(&[
            ("b.txt", EntryKind::File),
            ("a", EntryKind::Directory),
            ("a/x.tar.gz", EntryKind::Executable),
            ("a-b", EntryKind::File),
            (".hidden", EntryKind::File),
        ]);
        let plain = split(&parallel(Strategy::PerFile, None, None), &all).unwrap();
        assert_eq!(
            shown(&plain),
            [
                "raw/.hidden → ../done/.hidden",
                "raw/a-b → ../done/a-b",
                "raw/a/x.tar.gz → ../done/a/x.tar.gz",
                "raw/b.txt → ../done/b.txt"
            ]
        );
        let chunked = parallel(Strategy::Chunked { chunk_size: 3 }, None, Some("o"));
        assert_eq!(
            shown(&split(&chunked, &all).unwrap()),
            [
                "raw/.hidden+raw/a-b+raw/a/x.tar.gz → ../done/.hidden.o+../done/a-b.o+../done/a/x.tar.o",
                "raw/b.txt → ../done/b.o"
            ]
        );
    }

    #[test]
    fn a_star_stops_at_a_directory_and_two_cross_it() {
        let all = files(&["x.txt", "a/y.txt", "a/b/z.txt", "x.md"]);
        for (glob, expected) in [
            ("*.txt", &["raw/x.txt"][..]),
            ("**/*.txt", &["raw/a/b/z.txt", "raw/a/y.txt", "raw/x.txt"]),
            ("a/*", &["raw/a/y.txt"]),
            ("a/**", &["raw/a/b/z.txt", "raw/a/y.txt"]),
            ("x.{txt,md}", &["raw/x.md", "raw/x.txt"]),
            ("nothing", &[]),
        ] {
            let jobs = split(&parallel(Strategy::PerFile, Some(glob), None), &all).unwrap();
            let inputs: Vec<String> = (0..jobs.len()).map(|job| jobs.title(job)).collect();
            assert_eq!(inputs, expected, "{glob}");
        }
    }

    #[test]
    fn what_cannot_be_split_is_refused_by_name() {
        let with_ext = parallel(Strategy::PerFile, None, Some("txt"));
        let fault = |listing: &Listing| split(&with_ext, listing).unwrap_err().to_string();
        assert!(
            fault(&files(&["a.md", "b", "a.wav"]))
                .starts_with("raw/a.md and raw/a.wav would both be made into ../done/a.txt")
        );
        assert!(fault(&files(&["a", "a.txt/b"])).starts_with(
            "raw/a would be made into ../done/a.txt, which is the directory that what is made of raw/a.txt/b goes into"
        ));
        assert!(fault(&listing(&[("a", EntryKind::Link)])).starts_with("raw/a is a symbolic link"));
        let odd = ListingEntry {
            path: PathBuf::from(OsStr::from_bytes(b"a\xff")),
            kind: EntryKind::File,
            digest: Digest::from_bytes([0; 32]),
        };
        let odd = Listing::from_entries(vec![odd]);
        assert!(fault(&odd).starts_with("the name of raw/a\u{fffd} is not UTF-8"));
        let other = parallel(Strategy::PerFile, Some("*.txt"), None);
        assert_eq!(split(&other, &odd).unwrap().len(), 0);
    }

    proptest! {
        /// Every file that matches is in one job, no two jobs make one output, and how many files a job has decides
        /// nothing but that.
        #[test]
        fn a_split_leaves_nothing_out_and_nothing_twice(
            names in prop::collection::btree_set("[a-c]{1,2}(/[a-c]{1,2}){0,2}\\.(md|txt)", 0..30),
            size in 1..5_u32,
            ext in prop::option::of(Just("o")),
        ) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let chunked = parallel(Strategy::Chunked { chunk_size: size }, Some("**/*.md"), ext);
            let single = parallel(Strategy::PerFile, Some("**/*.md"), ext);
            let (chunked, single) = (split(&chunked, &files(&names)).unwrap(), split(&single, &files(&names)).unwrap());
            let inputs = |jobs: &Jobs| (0..jobs.len()).flat_map(|job| jobs.inputs(job)).collect::<Vec<_>>();
            let outputs = |jobs: &Jobs| (0..jobs.len()).flat_map(|job| jobs.outputs(job)).collect::<Vec<_>>();
            let expected: BTreeSet<String> = names.iter().filter(|name| Path::new(name).extension().is_some_and(|ext| ext == "md")).map(|name| format!("raw/{name}")).collect();
            let found: Vec<String> = inputs(&single).iter().map(ToString::to_string).collect();
            prop_assert_eq!(&found, &expected.into_iter().collect::<Vec<_>>());
            prop_assert_eq!(inputs(&chunked), inputs(&single));
            prop_assert_eq!(outputs(&chunked), outputs(&single));
            let distinct: BTreeSet<_> = outputs(&single).into_iter().collect();
            prop_assert_eq!(distinct.len(), single.len());
            prop_assert!((0..chunked.len()).all(|job| !chunked.inputs(job).is_empty()));
            for name in inputs(&single) {
                prop_assert!(chunked.inputs(chunked.reading(&name).unwrap()).contains(&name));
            }
        }
    }
}
