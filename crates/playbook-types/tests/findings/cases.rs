// One case per refusal. The snapshot is what a person is told.

macro_rules! cases {
    ($($name:ident: $call:ident($text:expr);)*) => {
        $(#[test] fn $name() { insta::assert_snapshot!($call($text)); })*
    };
}

cases! {
    empty_document: findings("");
    not_a_map: findings("- a\n- b\n");
    no_version: findings("name: t\nstages: {a: {cmd: x, outs: [o]}}\n");
    wrong_version: findings("version: \"2.0\"\nname: t\nstages: {a: {cmd: x, outs: [o]}}\n");
    bare_version: findings("version: 1.0\nname: t\nstages: {a: {cmd: x, outs: [o]}}\n");
    no_name: findings("version: \"1.0\"\nstages: {a: {cmd: x, outs: [o]}}\n");
    empty_name: findings("version: \"1.0\"\nname: \"\"\nstages: {a: {cmd: x, outs: [o]}}\n");
    no_stages: findings("version: \"1.0\"\nname: t\n");
    empty_stages: findings("version: \"1.0\"\nname: t\nstages: {}\n");
    null_stages: findings("version: \"1.0\"\nname: t\nstages:\n");
    bad_stage_name: in_stages("  a b: {cmd: x, outs: [o]}\n");
    unknown_field: in_stages("  train:\n    cmd: x\n    dep: [a]\n    outs: [o]\n");
    unknown_field_far_from_all: in_stages("  train:\n    cmd: x\n    frobnicate: 1\n    outs: [o]\n");
    unknown_top_field: findings("version: \"1.0\"\nname: t\nstage: {}\nstages: {a: {cmd: x, outs: [o]}}\n");
    name_in_a_stage: in_stages("  a: {name: b, cmd: x, outs: [o]}\n");
    no_cmd: in_stages("  a:\n    outs: [o]\n");
    empty_cmd: in_stages("  a:\n    cmd: \"  \"\n    outs: [o]\n");
    empty_cmd_list: in_stages("  a:\n    cmd: []\n    outs: [o]\n");
    cmd_is_a_number: in_stages("  a: {cmd: 5, outs: [o]}\n");
    deps_is_a_map: in_stages("  a: {cmd: x, deps: {a: b}, outs: [o]}\n");
    dep_without_path: in_stages("  a: {cmd: x, deps: [{type: audio}], outs: [o]}\n");
    dep_null: in_stages("  a:\n    cmd: x\n    deps:\n    outs: [o]\n");
    duplicate_keys: in_stages("  a:\n    cmd: x\n    outs: [o]\n    cmd: y\n  a: {cmd: z, outs: [p]}\n");
    duplicate_param: findings("version: \"1.0\"\nname: t\nparams: {k: 1, k: 2}\nstages: {a: {cmd: 'x {{params.k}}', outs: [o]}}\n");
    tag: in_stages("  a: {cmd: !env x, outs: [o]}\n");
    unknown_after: in_stages("  download: {cmd: x, outs: [o]}\n  b: {cmd: x, outs: [p], after: [downlod]}\n");
    after_itself: in_stages("  a: {cmd: x, outs: [o], after: [a]}\n");
    cycle: in_stages("  a: {cmd: x, deps: [z], outs: [x]}\n  y: {cmd: x, deps: [x], outs: [w]}\n  z: {cmd: x, deps: [w], outs: [z]}\n  apart: {cmd: x, deps: [z], outs: [q]}\n");
    same_out_twice: in_stages("  a: {cmd: x, outs: [o]}\n  b: {cmd: x, outs: [./o/]}\n");
    nested_outs: in_stages("  a: {cmd: x, outs: [data/x]}\n  b: {cmd: x, outs: [data]}\n");
    same_out_twice_in_a_stage: in_stages("  a: {cmd: x, outs: [o, o]}\n");
    reads_what_it_makes: in_stages("  a: {cmd: x, deps: [o], outs: [o]}\n  b: {cmd: x, deps: [d], outs: [d/x]}\n");
    same_dep_twice: in_stages("  a: {cmd: x, deps: [d, ./d], outs: [o]}\n");
    forbidden_outs: in_stages("  a: {cmd: x, outs: ['.', '..', playbook.yaml, playbook.lock.yaml, playbook.events.jsonl, .playbook/x, .git, a/.playbook-x]}\n");
    inner_dot_dot: in_stages("  a: {cmd: x, outs: [a/../b]}\n");
    template_in_a_path: in_stages("  a: {cmd: x, outs: ['{{params.x}}']}\n");
    unknown_param: findings("version: \"1.0\"\nname: t\nparams: {model: tiny}\nstages:\n  a:\n    cmd: |\n      one\n      two {{ params.modle }} x\n    outs: [o]\n");
    unknown_param_in_list: findings("version: \"1.0\"\nname: t\nparams: {model: tiny}\nstages:\n  a: {cmd: 'x {{params.model}}', outs: [o], params: [modle]}\n");
    second_bad_template_of_two_equal: findings("version: \"1.0\"\nname: t\nstages:\n  a:\n    cmd: [\"x\", \"{{deps[0]}} {{deps[0]}}\"]\n    outs: [o]\n");
    no_such_dep: in_stages("  a: {cmd: 'x {{ deps[1].path }}', deps: [d], outs: [o]}\n");
    malformed_template: in_stages("  a: {cmd: 'x {{ deps[ }} {{', deps: [d], outs: [o]}\n");
    undeclared_env: in_stages("  a: {cmd: 'x {{ env.HOME }}', outs: [o]}\n");
    unknown_target: findings("version: \"1.0\"\nname: t\ntargets: {gpu: {host: g}}\nstages: {a: {cmd: x, outs: [{path: o, remote: gpo}], target: cpu}}\n");
    unknown_shell: in_stages("  a: {cmd: x, outs: [o], shell: zsh}\n");
    bad_duration: in_stages("  a: {cmd: x, outs: [o], resources: {timeout: soon}}\n");
    bad_cores: in_stages("  a: {cmd: x, outs: [o], resources: {cores: 0, memory_gb: -1}}\n");
    bad_glob: in_stages("  a: {cmd: x, deps: [d], outs: [o], parallel: {strategy: per_file, glob: '[a'}}\n");
    bad_retry: in_stages("  a: {cmd: x, outs: [o], retry: {policy: often, backoff: {factor: 0.5}}}\n");
    chunked_without_size: in_stages("  a: {cmd: x, deps: [d], outs: [o], parallel: {strategy: chunked}}\n");
    bad_policy: findings("version: \"1.0\"\nname: t\npolicy: {failure: stop, concurrency: wait, retries: 2}\nstages: {a: {cmd: x, outs: [o]}}\n");
    bad_env_name: in_stages("  a: {cmd: x, outs: [o], env: {A-B: 1, OK: [1]}}\n");
    dotted_param_name: findings("version: \"1.0\"\nname: t\nparams: {a.b: 1}\nstages: {a: {cmd: x, outs: [o]}}\n");
    infinite_param: findings("version: \"1.0\"\nname: t\nparams: {a: .inf, b: 123456789012345678901234567890}\nstages: {a: {cmd: x, outs: [o], params: [a, b]}}\n");
    wdir_outside: in_stages("  a: {cmd: x, deps: [d], outs: [o], wdir: ../elsewhere}\n");
    wdir_inside_its_out: in_stages("  a: {cmd: x, outs: [o], wdir: o/sub}\n");
    all_at_once: in_stages("  a: {cmd: x, outs: [o], shel: sh}\n  b: {outs: [o], after: [c]}\n  d: {cmd: '{{ nope }}', frozen: maybe}\n");
    warns_of_nothing_to_decide_by: in_stages("  a: {cmd: x}\n");
    warns_of_unused_params: findings("version: \"1.0\"\nname: t\nparams: {used: 1, map: {x: 1, y: 2}, whole: {z: 1}}\nstages: {a: {cmd: 'x {{params.used}} {{params.map.x}}', outs: [o], params: [whole]}}\n");
    warns_of_numbers_written_otherwise: findings("version: \"1.0\"\nname: t\nparams: {a: 1.10, b: 0x10, c: 1.5, d: 2}\nstages: {a: {cmd: x, outs: [o], params: [a, b, c, d]}}\n");
    warns_of_case_twins: in_stages("  a: {cmd: x, outs: [Out]}\n  b: {cmd: x, outs: [out]}\n");
    unclosed_bracket: findings("version: \"1.0\"\nname: [t\nstages: {}\n");
    tab_indent: findings("version: \"1.0\"\nname: t\nstages:\n\ta: {cmd: x}\n");
    unicode_columns: findings("version: \"1.0\"\nname: t\nstages:\n  a: {description: \"düße 日本\", cmd: x, oust: [o]}\n");
    not_utf8_replacement_is_fine: in_stages("  a: {cmd: \"printf '\\uFFFD'\", outs: [o]}\n");
}
