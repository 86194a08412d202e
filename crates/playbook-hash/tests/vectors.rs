//! Literal digests. They were computed from the layouts by another implementation (the Python package
//! `blake3`), not by this one: a change of any of them is a change of what every lock file means.
#![cfg(test)]

mod support;

use std::collections::BTreeMap;

use indexmap::IndexMap;
use playbook_hash::{
    DataDigest, Fingerprint, canonical_json, digest_command, digest_commands, digest_env,
    digest_file, digest_params,
};
use playbook_types::digest::Digest;
use playbook_types::model::shell::ShellMode;
use playbook_types::name::{EnvName, ParamKey};
use playbook_types::path::DataPath;
use playbook_types::value::ParamValue;
use support::Space;

fn check(found: Digest, hex: &str) {
    assert_eq!(found.to_string(), format!("blake3:{hex}"));
}

fn params(entries: &[(&str, ParamValue)]) -> BTreeMap<ParamKey, ParamValue> {
    entries
        .iter()
        .map(|(key, value)| (ParamKey::parse(key).unwrap(), value.clone()))
        .collect()
}

fn env(entries: &[(&str, &str)]) -> IndexMap<EnvName, String> {
    entries
        .iter()
        .map(|(name, value)| (EnvName::parse(name).unwrap(), (*value).to_owned()))
        .collect()
}

fn text(text: &str) -> ParamValue {
    ParamValue::Str(text.to_owned())
}

#[test]
fn files_and_commands_are_plain() {
    let space = Space::with(&[("empty", ""), ("hello", "hello\n")]);
    let file = |name: &str| digest_file(&space.path(name)).unwrap().digest;
    check(
        file("empty"),
        "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
    );
    check(
        file("hello"),
        "8e4c7c1b99dbfd50e7a95185fead5ee1448fa904a2fdd778eaf5f2dbfd629a99",
    );
    assert_eq!(digest_command("hello\n"), file("hello"));
    let list = ["a \"b\"".to_owned(), "c".to_owned()];
    check(
        digest_commands(&list),
        "849a412b2c6bdac2185c74d4f01ad5e4eab3eadeab6a392dc2d43c85b676d6eb",
    );
}

#[test]
fn directories() {
    check(
        Space::new().digest(),
        "329ccc46dbadc532aefced4a208f9c0589d42d4bf9af7f0410f88ecdcd207399",
    );
    let space = Space::with(&[("d/", ""), ("f", "hello\n"), ("x", "run")]);
    space.link("l", "f");
    space.chmod("x", 0o744);
    check(
        space.digest(),
        "d77903a480cb988fe157dab1955341697146b0b5a9559f832d82b04efc232046",
    );
    let deep = Space::with(&[("a/b", "c")]);
    check(
        deep.digest(),
        "205acf3f235e130eb7adab00c9011595528593b030403465937cc3ef0cf37dc6",
    );
}

#[test]
fn params_and_env() {
    let ones = vec![
        ParamValue::Int(1),
        ParamValue::Float(1.0),
        text("1"),
        ParamValue::Bool(true),
    ];
    let map = [
        ("b".to_owned(), ParamValue::List(ones)),
        ("B".to_owned(), ParamValue::Null),
    ];
    let all = params(&[
        ("z", text("\"\\\né")),
        ("a", ParamValue::Map(map.into_iter().collect())),
    ]);
    assert_eq!(
        canonical_json(&all),
        r#"{"a":{"B":null,"b":[1,1.0,"1",true]},"z":"\"\\\né"}"#
    );
    check(
        digest_params(&all),
        "4ab3ea2315bb1113e20c5962be40b0e375a5c61d9744efdb51cac9901c602a00",
    );
    check(
        digest_params(&params(&[])),
        "fbf0d728ed47ecd25ceb41d172b3908cf31d9ac8d73be140738ac5cd1d9aefcc",
    );
    let env = digest_env(&env(&[("LC_ALL", ""), ("A", "1")])).unwrap();
    check(
        env,
        "5f179839c24012cdc8f50971ef4c85d42031abac15db057ebcf83f6d9c2328a5",
    );
}

#[test]
fn cache_keys() {
    let path = |text: &str| DataPath::parse(text).unwrap();
    let dep = |name: &str, contents: &str| DataDigest {
        path: path(name),
        digest: digest_command(contents),
        file_count: 1,
        total_bytes: 1,
    };
    let plain = Fingerprint {
        shell: ShellMode::Sh,
        command: digest_command("echo hello"),
        is_list: false,
        deps: vec![dep("b", "1"), dep("a", "2")],
        params: params(&[("model", text("tiny"))]),
        env: None,
        wdir: None,
        outs: vec![path("y"), path("x")],
        split: None,
    };
    check(
        plain.cache_key(),
        "904d7ed4aba2c668f23fe30b4d1211bdd208d759c8e2b163794073ceed77961f",
    );
    let full = Fingerprint {
        shell: ShellMode::Bash,
        command: digest_command("make"),
        is_list: false,
        deps: Vec::new(),
        params: params(&[]),
        env: digest_env(&env(&[("A", "1")])),
        wdir: Some(path("src")),
        outs: vec![path("out/x")],
        split: None,
    };
    check(
        full.cache_key(),
        "1da863dd70633ffde65080425d49092f422fe79a7ceb4485330f8bef6a561af7",
    );
}
