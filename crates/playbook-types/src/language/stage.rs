//! The fields of a stage.

use crate::language::fanout::PARALLEL;
use crate::language::top::{ENV, PARAM_KEY, STAGE_NAME, TARGET_NAME};
use crate::language::{Field, Fields, Shape, Word, documented};
use crate::model::retry::RetryPolicy;
use crate::model::shell::ShellMode;

/// One stage.
pub(crate) static STAGE: Fields = Fields::new(&[
    Field::new(
        "description",
        Shape::Text,
        "Free text for people; 'playbook list' shows it.",
    ),
    Field::new(
        "cmd",
        Shape::ListOrOne {
            of: &Shape::Filled,
            least: 1,
        },
        "What the stage runs: a text given to the shell, or a list of texts, each given to a shell of its \
         own, stopping at the first that fails. {{ params.name }}, {{ deps[0].path }}, {{ outs[0].path }}, \
         {{ deps }}, {{ outs }}, {{ env.NAME }} and {{ stage.name }} are filled in and quoted for where \
         they stand; so are {{ item }}, and {sample} in a stage whose name has it.",
    )
    .required(),
    Field::new(
        "deps",
        Shape::ListOrOne {
            of: &Shape::TextOr(&Shape::DataPath, &DEP),
            least: 0,
        },
        "Files and directories the stage reads, relative to the playbook. Their contents decide whether it \
         runs, and it runs after the stage that makes them.",
    ),
    Field::new(
        "outs",
        Shape::ListOrOne {
            of: &Shape::TextOr(&Shape::DataPath, &OUT),
            least: 0,
        },
        "Files and directories the stage makes, relative to the playbook. Each belongs to one stage. If the \
         stage fails, the former ones come back.",
    ),
    Field::new(
        "params",
        Shape::List {
            of: &Shape::Name(PARAM_KEY),
            least: 0,
        },
        "Dotted names of params the stage depends on, beside those its command mentions.",
    ),
    Field::new(
        "after",
        Shape::ListOrOne {
            of: &Shape::Name(STAGE_NAME),
            least: 0,
        },
        "Stages to run after, and again whenever one of them ran.",
    ),
    Field::new(
        "env",
        ENV,
        "Environment variables for this stage; they win over the playbook's, and are part of what decides.",
    ),
    Field::new(
        "wdir",
        Shape::Path,
        "The working directory of the command, relative to the playbook. Paths in the command are rendered \
         relative to it.",
    ),
    Field::new(
        "shell",
        Shape::Words(|| documented(&SHELL)),
        "Which shell reads the command.",
    )
    .default("sh"),
    Field::new(
        "target",
        Shape::Name(TARGET_NAME),
        "Where the stage runs: one of 'targets'. Without it, on this machine.",
    ),
    Field::new(
        "frozen",
        Shape::Flag(false),
        "Never run again unless forced.",
    ),
    Field::new(
        "deterministic",
        Shape::Flag(true),
        "False: the stage always runs, and what it makes decides whether the stages below it run.",
    ),
    Field::new(
        "retry",
        Shape::Map(&RETRY),
        "What happens after a failure.",
    ),
    Field::new(
        "resources",
        Shape::Map(&RESOURCES),
        "What the stage needs of the machine it runs on.",
    ),
    Field::new(
        "matrix",
        Shape::Matrix,
        "Makes a stage of every combination of the values of these lists: NAME@a-1, NAME@a-2, … Each has \
         {{ item.AXIS }} in its command and its paths. A list, or all of it, may be a param: \
         '{{ params.models }}'.",
    ),
    Field::new(
        "foreach",
        Shape::Foreach,
        "Makes a stage of each item of a list or map: NAME@us, NAME@uk, … Each has {{ item }} in its command \
         and its paths, and {{ key }}. It may be a param: '{{ params.regions }}'.",
    ),
    Field::new(
        "parallel",
        Shape::Map(&PARALLEL),
        "Splits the files of the first dep, a directory, into jobs of their own.",
    ),
    Field::new(
        "gate",
        Shape::Flag(false),
        "True: a quality check. What it makes are reports, which stay where they are if it fails; its failure \
         stops the pipeline, whatever policy.failure says.",
    ),
]);

/// The shells.
pub(crate) static SHELL: [Word<ShellMode>; 4] = [
    Word::new(
        "sh",
        ShellMode::Sh,
        "sh -e -c: the first line that fails ends the command.",
    ),
    Word::new("bash", ShellMode::Bash, "bash -eo pipefail -c"),
    Word::new(
        "raw",
        ShellMode::Raw,
        "sh -c, as in other tools: the last line decides.",
    ),
    Word::new(
        "rash",
        ShellMode::Rash,
        "The command is linted and purified first. Not supported yet: 'playbook run' refuses it.",
    ),
];

/// What a stage reads.
pub(crate) static DEP: Fields = Fields::new(&[
    Field::new(
        "path",
        Shape::DataPath,
        "A file or directory, relative to the playbook.",
    )
    .required(),
    Field::new("type", Shape::Text, KIND),
]);

/// What a stage makes.
pub(crate) static OUT: Fields = Fields::new(&[
    Field::new(
        "path",
        Shape::DataPath,
        "A file or directory, relative to the playbook.",
    )
    .required(),
    Field::new("type", Shape::Text, KIND),
    Field::new(
        "persist",
        Shape::Flag(false),
        "True: the old output is left in place for the command to update. A failure then brings no former \
         one back.",
    ),
    Field::new(
        "remote",
        Shape::Name(TARGET_NAME),
        "The target the output lives on.",
    )
    .not_yet(),
]);

const KIND: &str = "What it is, in a word of your own: audio, model, metrics, …";

/// What happens after a failure.
pub(crate) static RETRY: Fields = Fields::new(&[
    Field::new("limit", Shape::Count(0), "Retries after the first try.").required(),
    Field::new(
        "policy",
        Shape::Words(|| documented(&RETRY_POLICY)),
        "Which failures are tried again.",
    )
    .default("on_failure"),
    Field::new(
        "backoff",
        Shape::Map(&BACKOFF),
        "How long to wait before each retry.",
    ),
]);

/// Which failures are tried again.
pub(crate) static RETRY_POLICY: [Word<RetryPolicy>; 4] = [
    Word::new("on_failure", RetryPolicy::OnFailure, "Every failure."),
    Word::new("on_timeout", RetryPolicy::OnTimeout, "Timeouts only."),
    Word::new(
        "on_transient",
        RetryPolicy::OnTransient,
        "What may go away by itself.",
    ),
    Word::new("never", RetryPolicy::Never, "None."),
];

/// The wait before a retry.
pub(crate) static BACKOFF: Fields = Fields::new(&[
    Field::new(
        "initial",
        Shape::Duration { positive: false },
        "Before the first retry.",
    )
    .default("5s"),
    Field::new(
        "factor",
        Shape::Number(1),
        "What each further wait is multiplied by. Without it, 2.",
    ),
    Field::new(
        "max",
        Shape::Duration { positive: false },
        "The longest wait.",
    )
    .default("5m"),
]);

/// What a stage needs of a machine.
pub(crate) static RESOURCES: Fields = Fields::new(&[
    Field::new(
        "cores",
        Shape::Count(1),
        "Processor cores, counted against 'playbook run --jobs'. Without it, 1.",
    ),
    Field::new(
        "memory_gb",
        Shape::Number(0),
        "Gigabytes of memory (10⁹ bytes), counted against what the target or the machine has.",
    ),
    Field::new(
        "gpu",
        Shape::Count(0),
        "Accelerators. Its commands find in CUDA_VISIBLE_DEVICES which ones they are given.",
    ),
    Field::new(
        "disk_gb",
        Shape::Number(0),
        "Gigabytes of disk (10⁹ bytes), counted against what is free where the playbook is when a run begins.",
    ),
    Field::new(
        "timeout",
        Shape::Duration { positive: true },
        "The longest it may run; what still runs then is ended.",
    ),
]);
