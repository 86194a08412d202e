//! What stands beside the stages: params, targets, policy, compliance.

use crate::language::stage::STAGE;
use crate::language::{Field, Fields, Key, Shape, Word, documented};
use crate::model::compliance::Pmat;
use crate::model::policy::{Concurrency, Environment, FailurePolicy, Validation};
use crate::model::target::{Files, TargetKind};
use crate::value::ParamValue;

/// The name of a stage.
pub(crate) const STAGE_NAME: Key = Key {
    pattern: r"^([A-Za-z0-9_]|\{[A-Za-z_][A-Za-z0-9_]*\})([A-Za-z0-9_.@-]|\{[A-Za-z_][A-Za-z0-9_]*\})*$",
    rule: "a stage name has letters, digits, '_', '.', '@' and '-', with a letter, digit or '_' in front",
};
/// The name of a target.
pub(crate) const TARGET_NAME: Key = Key {
    pattern: "^[A-Za-z0-9_][A-Za-z0-9_.-]*$",
    rule: "a target name has letters, digits, '_', '.' and '-', with a letter, digit or '_' in front",
};
/// The name of one param.
pub(crate) const PARAM_NAME: Key = Key {
    pattern: "^([A-Za-z0-9_/@:+-]|[^ -~])+$",
    rule: "a param name has letters, digits, '_' and '-'; nest maps instead of writing dots",
};
/// A dotted key that reaches into params.
pub(crate) const PARAM_KEY: Key = Key {
    pattern: r"^([A-Za-z0-9_/@:+-]|[^ -~])+(\.([A-Za-z0-9_/@:+-]|[^ -~])+)*$",
    rule: "a param key is names separated by single dots",
};
/// The name of an environment variable.
const ENV_NAME: Key = Key {
    pattern: "^[A-Za-z_][A-Za-z0-9_]*$",
    rule: "an environment variable has letters, digits and '_', with no digit in front",
};
/// Environment variables with their values.
pub(crate) const ENV: Shape = Shape::MapOf {
    key: ENV_NAME,
    value: &Shape::Scalar,
    least: 0,
};
/// Nested params.
pub(crate) const PARAMS: Shape = Shape::MapOf {
    key: PARAM_NAME,
    value: &Shape::Param,
    least: 0,
};

/// A whole playbook.
pub(crate) static PLAYBOOK: Fields = Fields::new(&[
    Field::new(
        "version",
        Shape::Version,
        "The version of the language: \"1.0\".",
    )
    .required(),
    Field::new(
        "name",
        Shape::Filled,
        "What the playbook is called. The lock and the event log repeat it.",
    )
    .required(),
    Field::new("description", Shape::Text, "Free text for people."),
    Field::new(
        "params",
        PARAMS,
        "Values that commands use as {{ params.name }}: scalars, lists and nested maps, reached by dotted \
         names. A stage depends on those its command mentions. 'playbook run --set name=value' replaces one \
         for a run.",
    ),
    Field::new(
        "params_files",
        Shape::List {
            of: &Shape::Path,
            least: 0,
        },
        "YAML, TOML or JSON files with further params, by their extension. Later ones win over earlier ones, and the \
         playbook's own params over all of them.",
    ),
    Field::new(
        "env",
        ENV,
        "Environment variables for every stage. They are part of what decides whether a stage runs.",
    ),
    Field::new(
        "targets",
        Shape::MapOf {
            key: TARGET_NAME,
            value: &Shape::Map(&TARGET),
            least: 0,
        },
        "Places where stages can run, by name.",
    ),
    Field::new(
        "policy",
        Shape::Map(&POLICY),
        "What holds for a whole run.",
    ),
    Field::new(
        "stages",
        Shape::MapOf {
            key: STAGE_NAME,
            value: &Shape::Map(&STAGE),
            least: 1,
        },
        "The stages, by name. Their order here matters only among stages that do not need each other.",
    )
    .required(),
    Field::new(
        "compliance",
        Shape::Map(&COMPLIANCE),
        "Checks before and after the pipeline.",
    )
]);

/// A place where stages can run.
pub(crate) static TARGET: Fields = Fields {
    all: &[
        Field::new(
            "kind",
            Shape::Words(|| documented(&TARGET_KIND)),
            "How stages get there. Where a host is named it is ssh, else local.",
        ),
        Field::new(
            "host",
            Shape::Filled,
            "The machine. Without one, or with localhost, the target is this machine.",
        ),
        Field::new("ssh_user", Shape::Filled, "Who to log in as."),
        Field::new(
            "cores",
            Shape::Count(1),
            "Processor cores that stages may have there together.",
        ),
        Field::new(
            "memory_gb",
            Shape::Number(0),
            "Gigabytes of memory (10⁹ bytes) that stages may have there together.",
        ),
        Field::new(
            "gpus",
            Shape::Count(0),
            "Accelerators that stages may have there together.",
        ),
        Field::new(
            "workdir",
            Shape::Filled,
            "The directory there that stands for the root. This machine's is the root itself.",
        )
        .not_yet(),
        Field::new(
            "env",
            ENV,
            "Environment variables for what runs there; those of a stage win over them, and they over the playbook's.",
        ),
        Field::new(
            "files",
            Shape::Words(|| documented(&FILES)),
            "How it sees the files of the root.",
        )
        .default("shared"),
    ],
    between: Some(|| {
        json(
            r#"{"if": {"properties": {"kind": {"const": "local"}}, "required": ["kind"]},
                 "then": {"properties": {"host": {"const": "localhost"}}}}"#,
        )
    }),
};

/// The kinds of target.
pub(crate) static TARGET_KIND: [Word<TargetKind>; 3] = [
    Word::new("local", TargetKind::Local, "This machine."),
    Word::new(
        "ssh",
        TargetKind::Ssh,
        "Another machine, with your own OpenSSH. Not supported yet: 'playbook run' refuses it.",
    ),
    Word::new(
        "slurm",
        TargetKind::Slurm,
        "A cluster, with its own sbatch. Not supported yet: 'playbook run' refuses it.",
    ),
];

/// How a target gets at files.
pub(crate) static FILES: [Word<Files>; 2] = [
    Word::new("shared", Files::Shared, "It shares the file system."),
    Word::new(
        "sync",
        Files::Sync,
        "What a stage reads is copied there, and what it makes is copied back.",
    ),
];

/// What holds for a whole run.
pub(crate) static POLICY: Fields = Fields::new(&[
    Field::new(
        "failure",
        Shape::Words(|| documented(&FAILURE)),
        "What the failure of one stage means for the others.",
    )
    .default("stop_on_first"),
    Field::new(
        "validation",
        Shape::Words(|| documented(&VALIDATION)),
        "How outputs are compared with what the lock recorded.",
    )
    .default("checksum"),
    Field::new(
        "lock_file",
        Shape::Flag(true),
        "Whether a lock file is read and written.",
    ),
    Field::new(
        "concurrency",
        Shape::Words(|| documented(&CONCURRENCY)),
        "What a run does while another run of this playbook is under way.",
    )
    .default("wait"),
    Field::new(
        "environment",
        Shape::Words(|| documented(&ENVIRONMENT)),
        "What a command finds in its environment beside what is declared for it. Part of the key.",
    )
    .default("inherit"),
    Field::new(
        "work_dir",
        Shape::Path,
        "Where the work directories of fan-out jobs are. There is no fan-out yet, so it has no effect.",
    ),
    Field::new(
        "clean_on_success",
        Shape::Flag(true),
        "Whether the work directories of fan-out jobs that succeeded are removed. There is no fan-out yet, \
         so it has no effect.",
    ),
]);

/// What the failure of one stage means for the others.
pub(crate) static FAILURE: [Word<FailurePolicy>; 4] = [
    Word::new(
        "stop_on_first",
        FailurePolicy::StopOnFirst,
        "Start nothing new; running stages finish.",
    ),
    Word::new(
        "continue_on_failure",
        FailurePolicy::ContinueOnFailure,
        "Everything that does not need the failed stage still runs.",
    ),
    Word::new(
        "continue_independent",
        FailurePolicy::ContinueOnFailure,
        "Another name for continue_on_failure.",
    ),
    Word::new(
        "collect_all",
        FailurePolicy::CollectAll,
        "As continue_on_failure, with every failure listed at the end.",
    ),
];

/// How outputs are compared with the lock.
pub(crate) static VALIDATION: [Word<Validation>; 2] = [
    Word::new("checksum", Validation::Checksum, "By their contents."),
    Word::new("none", Validation::None, "It is enough that they exist."),
];

/// What a run does while another one is under way.
pub(crate) static CONCURRENCY: [Word<Concurrency>; 2] = [
    Word::new("wait", Concurrency::Wait, "Wait for it."),
    Word::new("fail", Concurrency::Fail, "Refuse, with exit code 5."),
];

/// What a command finds in its environment.
pub(crate) static ENVIRONMENT: [Word<Environment>; 2] = [
    Word::new(
        "inherit",
        Environment::Inherit,
        "All that playbook itself was started with.",
    ),
    Word::new(
        "clean",
        Environment::Clean,
        "Of that only PATH, HOME, LANG and TMPDIR.",
    ),
];

/// Checks around the pipeline.
pub(crate) static COMPLIANCE: Fields = Fields::new(&[
    Field::new(
        "pre_flight",
        CHECKS,
        "Gates that run before any stage does. If one fails, nothing runs.",
    ),
    Field::new(
        "post_flight",
        CHECKS,
        "Gates that run when every stage is done.",
    ),
]);

const CHECKS: Shape = Shape::List {
    of: &Shape::TextOr(&Shape::Name(PMAT_NAME), &CHECK),
    least: 0,
};

/// One check with a command of its own.
pub(crate) static CHECK: Fields = Fields::new(&[
    Field::new(
        "cmd",
        Shape::Filled,
        "What it runs. The check fails if the command does.",
    )
    .required(),
    Field::new(
        "name",
        Shape::Name(CHECK_NAME),
        "What it is called: its stage is 'pre_flight.NAME' or 'post_flight.NAME'. Without one, the number of its place.",
    ),
]);

/// The checks that are known by name.
pub(crate) static PMAT: [Word<Pmat>; 5] = [
    Word::new("tdg", Pmat::Tdg, "pmat tdg . --min-grade B"),
    Word::new(
        "quality_gate",
        Pmat::QualityGate,
        "pmat quality-gate --fail-on-violation",
    ),
    Word::new(
        "complexity",
        Pmat::Complexity,
        "pmat analyze complexity --fail-on-violation",
    ),
    Word::new(
        "dead_code",
        Pmat::DeadCode,
        "pmat analyze dead-code --fail-on-violation",
    ),
    Word::new("satd", Pmat::Satd, "pmat analyze satd --fail-on-violation"),
];

/// The same for schemas, which say of a text that may also be a map what it looks like.
const PMAT_NAME: Key = Key {
    pattern: "^(tdg|quality_gate|complexity|dead_code|satd)$",
    rule: "the checks known by name are tdg, quality_gate, complexity, dead_code and satd; any other is {cmd: …}",
};
/// The name of a check of the playbook's own.
const CHECK_NAME: Key = Key {
    pattern: "^[A-Za-z0-9_.@-]+$",
    rule: "the name of a check has letters, digits, '_', '.', '@' and '-'",
};

/// Text that is JSON, as a value.
pub(crate) fn json(text: &str) -> ParamValue {
    serde_json::from_str(text).unwrap_or(ParamValue::Null)
}
