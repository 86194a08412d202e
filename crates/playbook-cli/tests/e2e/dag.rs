//! `dag`: the graph in every form. What users wrote stays text in all of them.

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::support::{Sandbox, assert_self_contained, data, parsed, texts};

/// Two sources that are joined, a check of what came of it, and a report that waits for the check.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with_stages(
        "  orders: {cmd: cp in/orders o, deps: [in/orders], outs: [o]}\n  \
         customers: {cmd: cp in/customers c, deps: [in/customers], outs: [c], description: Who buys}\n  \
         clean: {cmd: sort o > s, deps: [o], outs: [s]}\n  \
         join: {cmd: mkdir m && cat s c > m/all, deps: [s, c], outs: [m]}\n  \
         check: {cmd: test -s m/all, deps: [m/all]}\n  \
         report: {cmd: cat m/all > r, deps: [m], outs: [r], after: [check]}\n",
    );
    sandbox.write("in/orders", "2\n1\n");
    sandbox.write("in/customers", "a\n");
    sandbox
}

/// Names, paths, a command and a param that would be markup, escapes or code wherever they are not escaped.
fn hostile() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(
        "playbook.yaml",
        concat!(
            "version: \"1.0\"\n",
            "name: \"</title><script>alert(1)</script> & \\\\N #quot;\"\n",
            "description: \"--><img src=x onerror=alert(1)> ]]>\"\n",
            "params: {p: \"</script><script>alert(2)</script>\"}\n",
            "env: {SECRET: hunter2}\n",
            "stages:\n",
            "  end: {cmd: \"echo '</script><!--<script>' {{env.SECRET}} {{params.p}} > {{outs[0].path}}\", ",
            "outs: [\"a\\\"]|<b>&#x.txt\"], description: \"</desc>\"}\n",
            "  click: {cmd: \"cat {{deps[0].path}} > {{outs[0].path}}\", ",
            "deps: [\"a\\\"]|<b>&#x.txt\", \"in\\e[31m\\u202e.txt\"], outs: [\"b\\\\N\\\\\"]}\n",
            "  subgraph: {cmd: \"true\", deps: [\"b\\\\N\\\\\"], outs: [\"c`'--x\"], after: [end]}\n",
        ),
    );
    sandbox.write("in\u{1b}[31m\u{202e}.txt", "");
    sandbox
}

#[test]
fn as_text_a_stage_stands_below_what_all_it_needs_leads_through() {
    let sandbox = sandbox();
    sandbox.ran(&[]);
    sandbox.write("in/orders", "3\n");
    insta::assert_snapshot!(sandbox.run(&["dag"]).prints(0), @"
    run    orders
    maybe  └─ clean
    cached customers
    maybe  join       ← customers, clean
    maybe  ├─ check
    maybe  └─ report  ← join, check
    1 to run · 4 maybe · 1 cached
    ");
    insta::assert_snapshot!(sandbox.run(&["graph", "clean"]).prints(0), @"
    run    orders
    maybe  └─ clean
    1 to run · 1 maybe
    ");
    insta::assert_snapshot!(sandbox.run(&["visualize", "--no-state", "join+"]).prints(0), @"
    orders
    └─ clean
    customers
    join       ← customers, clean
    ├─ check
    └─ report  ← join, check
    6 stages
    ");
}

#[test]
fn as_mermaid_with_and_without_paths() {
    let sandbox = sandbox();
    insta::assert_snapshot!(sandbox.run(&["dag", "--format", "mermaid", "--paths"]).prints(0), @r#"
    flowchart TD
      s0["▶ orders"]:::run
      s1["▶ customers"]:::run
      s2["▶ clean"]:::run
      s3["▶ join"]:::run
      s4["▶ check"]:::run
      s5["▶ report"]:::run
      s0 -->|"o"| s2
      s1 -->|"c"| s3
      s2 -->|"s"| s3
      s3 -->|"m/all"| s4
      s3 -->|"m"| s5
      s4 -.->|"after"| s5
      classDef run fill:#dcecf9,stroke:#0067a8,color:#1b2430
    "#);
    insta::assert_snapshot!(sandbox.run(&["dag", "--format", "mermaid", "--no-state", "clean"]).prints(0), @r#"
    flowchart TD
      s0["orders"]
      s1["clean"]
      s0 --> s1
    "#);
}

#[test]
fn as_dot() {
    let sandbox = sandbox();
    insta::assert_snapshot!(sandbox.run(&["dag", "--format", "dot", "--paths", "join"]).prints(0), @r##"
    digraph "test" {
      graph [rankdir=TB, fontname="Helvetica,Arial,sans-serif", bgcolor=transparent];
      node [shape=box, style="rounded,filled", fontname="Helvetica,Arial,sans-serif", fontsize=11, fontcolor="#1b2430"];
      edge [color="#7c8896", arrowsize=0.7, fontname="Helvetica,Arial,sans-serif", fontsize=9, fontcolor="#5b6776"];
      s0 [label="▶ orders\nrun", tooltip="cp in/orders o\nno lock file found (first run)", fillcolor="#dcecf9", color="#0067a8"];
      s1 [label="▶ customers\nrun", tooltip="cp in/customers c\nno lock file found (first run)", fillcolor="#dcecf9", color="#0067a8"];
      s2 [label="▶ clean\nrun", tooltip="sort o > s\nno lock file found (first run)", fillcolor="#dcecf9", color="#0067a8"];
      s3 [label="▶ join\nrun", tooltip="mkdir m &amp;&amp; cat s c > m/all\nno lock file found (first run)", fillcolor="#dcecf9", color="#0067a8"];
      s0 -> s2 [tooltip="o", label="o"];
      s1 -> s3 [tooltip="c", label="c"];
      s2 -> s3 [tooltip="s", label="s"];
    }
    "##);
}

#[test]
fn as_json_nodes_have_the_decision_and_edges_their_paths() {
    let sandbox = sandbox();
    sandbox.ran(&["clean"]);
    sandbox.remove("s");
    insta::assert_snapshot!(sandbox.run(&["dag", "--format", "json"]).prints(0), @r#"{"schema":"1.0","playbook":"test","description":null,"nodes":[{"stage":"orders","description":null,"gate":false,"decision":"hit","state":"cached","reasons":[],"waits_for":[],"command":"cp in/orders o","deps":["in/orders"],"outs":["o"],"params":{},"last_started_at":"2026-02-16T14:00:00Z","last_duration_seconds":0.0},{"stage":"customers","description":"Who buys","gate":false,"decision":"miss","state":"run","reasons":[{"kind":"stage_not_in_lock"}],"waits_for":[],"command":"cp in/customers c","deps":["in/customers"],"outs":["c"],"params":{},"last_started_at":null,"last_duration_seconds":null},{"stage":"clean","description":null,"gate":false,"decision":"miss","state":"run","reasons":[{"kind":"output_missing","path":"s"}],"waits_for":[],"command":"sort o > s","deps":["o"],"outs":["s"],"params":{},"last_started_at":"2026-02-16T14:00:00Z","last_duration_seconds":0.0},{"stage":"join","description":null,"gate":false,"decision":"miss","state":"run","reasons":[{"kind":"stage_not_in_lock"}],"waits_for":[],"command":"mkdir m && cat s c > m/all","deps":["s","c"],"outs":["m"],"params":{},"last_started_at":null,"last_duration_seconds":null},{"stage":"check","description":null,"gate":false,"decision":"miss","state":"run","reasons":[{"kind":"stage_not_in_lock"}],"waits_for":[],"command":"test -s m/all","deps":["m/all"],"outs":[],"params":{},"last_started_at":null,"last_duration_seconds":null},{"stage":"report","description":null,"gate":false,"decision":"miss","state":"run","reasons":[{"kind":"stage_not_in_lock"}],"waits_for":[],"command":"cat m/all > r","deps":["m"],"outs":["r"],"params":{},"last_started_at":null,"last_duration_seconds":null}],"edges":[{"from":"orders","to":"clean","via":["o"],"after":false},{"from":"customers","to":"join","via":["c"],"after":false},{"from":"clean","to":"join","via":["s"],"after":false},{"from":"join","to":"check","via":["m/all"],"after":false},{"from":"join","to":"report","via":["m"],"after":false},{"from":"check","to":"report","via":[],"after":true}]}"#);
}

#[test]
fn as_svg_every_stage_and_arrow_is_drawn_once_with_all_there_is_to_say() {
    let sandbox = sandbox();
    sandbox.ran(&["clean"]);
    let drawn = sandbox.run(&["dag", "--format", "svg"]).prints(0);
    assert_self_contained(&drawn);
    parsed(&drawn, |document| {
        assert_eq!(
            texts(document, "nm"),
            ["orders", "customers", "clean", "join", "check", "report"]
        );
        assert_eq!(
            texts(document, "arrow"),
            [
                "orders → clean: o",
                "customers → join: c",
                "clean → join: s",
                "join → check: m/all",
                "join → report: m",
                "check → report: runs after it",
            ]
        );
        let nodes = texts(document, "node");
        insta::assert_snapshot!(nodes.iter().find(|node| node.starts_with("clean")).unwrap(), @"
        clean
        cached
        $ sort o > s
        reads: o
        makes: s
        last took 0.00 scleancached · 0.00 s
        ");
        insta::assert_snapshot!(nodes.iter().find(|node| node.starts_with("report")).unwrap(), @"
        report
        run: not in the lock file (new stage)
        $ cat m/all > r
        reads: m
        makes: rreportrun
        ");
    });
}

#[test]
fn as_html_all_that_is_shown_of_a_stage_is_in_the_page() {
    let sandbox = sandbox();
    sandbox.ran(&["customers"]);
    sandbox.run(&["dag", "-o", "dag.html"]).prints(0);
    let page = sandbox.read("dag.html");
    assert_self_contained(&page);
    let data = data(&page);
    assert_eq!(data["arrows"][0], serde_json::json!([0, 2, "o"]));
    insta::assert_snapshot!(data["stages"][1].to_string(), @r#"{"about":"Who buys","sections":[{"head":"Command","kind":"code","text":"cp in/customers c"},{"kind":"neighbours"},{"head":"Reads","kind":"lines","lines":["in/customers"]},{"head":"Makes","kind":"lines","lines":["c"]},{"head":"When it last ran","kind":"pairs","pairs":[["took","0.00 s"],["began","2026-02-16T14:00:00Z"]]}],"stage":"customers","state":"cached","word":"cached"}"#);
    parsed(&page, |document| {
        assert_eq!(texts(document, "chip"), ["5 to run", "1 cached"]);
        let named = |node: &roxmltree::Node<'_, '_>| {
            node.attribute("tabindex") == Some("0") && node.attribute("aria-label").is_some()
        };
        let nodes = document
            .descendants()
            .filter(|node| node.attribute("data-n").is_some());
        assert_eq!(nodes.filter(named).count(), 6);
    });
}

#[test]
fn text_of_users_stays_text_in_every_form() {
    let sandbox = hostile();
    for form in ["text", "mermaid", "dot", "json", "svg", "html"] {
        let drawn = sandbox.run(&["dag", "--format", form]).prints(0);
        assert!(
            !drawn.contains("hunter2"),
            "{form} shows a value from the environment"
        );
        assert!(
            !drawn.contains(['\u{1b}', '\u{202e}']) || form == "json",
            "{form} lets a control character through"
        );
    }
    let drawn = sandbox.run(&["dag", "--format", "svg"]).prints(0);
    assert_self_contained(&drawn);
    assert!(!drawn.contains("<script"));
    let page = sandbox.run(&["dag", "--format", "html"]).prints(0);
    assert_self_contained(&page);
    assert_eq!(page.matches("<script").count(), 2);
    assert_eq!(page.matches("</script>").count(), 2);
    let stage = &data(&page)["stages"][0];
    assert_eq!(
        stage["sections"][1]["text"],
        "echo '</script><!--<script>' *** '</script><script>alert(2)</script>' > 'a\"]|<b>&#x.txt'"
    );
    parsed(&page, |document| {
        assert_eq!(
            texts(document, "name"),
            ["</title><script>alert(1)</script> & \\N #quot;--><img src=x onerror=alert(1)> ]]>"]
        );
    });
    insta::assert_snapshot!(sandbox.run(&["dag", "--format", "mermaid", "--paths"]).prints(0), @r#"
    flowchart TD
      s0["▶ end"]:::run
      s1["▶ click"]:::run
      s2["▶ subgraph"]:::run
      s0 -->|"a#34;#93;#124;#60;b#62;#38;#35;x.txt"| s1
      s0 -.->|"after"| s2
      s1 -->|"b#92;N#92;"| s2
      classDef run fill:#dcecf9,stroke:#0067a8,color:#1b2430
    "#);
    insta::assert_snapshot!(sandbox.run(&["dag", "--format", "dot", "--paths"]).prints(0), @r##"
    digraph "</title><script>alert(1)</script> &amp; \\N #quot;" {
      graph [rankdir=TB, fontname="Helvetica,Arial,sans-serif", bgcolor=transparent];
      node [shape=box, style="rounded,filled", fontname="Helvetica,Arial,sans-serif", fontsize=11, fontcolor="#1b2430"];
      edge [color="#7c8896", arrowsize=0.7, fontname="Helvetica,Arial,sans-serif", fontsize=9, fontcolor="#5b6776"];
      s0 [label="▶ end\nrun", tooltip="echo '</script><!--<script>' *** '</script><script>alert(2)</script>' > 'a\"]|<b>&amp;#x.txt'\nno lock file found (first run)", fillcolor="#dcecf9", color="#0067a8"];
      s1 [label="▶ click\nrun", tooltip="cat 'a\"]|<b>&amp;#x.txt' > 'b\\N\\'\nno lock file found (first run)", fillcolor="#dcecf9", color="#0067a8"];
      s2 [label="▶ subgraph\nrun", tooltip="true\nno lock file found (first run)", fillcolor="#dcecf9", color="#0067a8"];
      s0 -> s1 [tooltip="a\"]|<b>&amp;#x.txt", label="a\"]|<b>&amp;#x.txt"];
      s0 -> s2 [tooltip="after", label="after", style=dashed];
      s1 -> s2 [tooltip="b\\N\\", label="b\\N\\"];
    }
    "##);
}

#[test]
fn the_page_trusts_its_own_script_only_by_a_number_that_depends_on_all_that_is_in_it() {
    let nonce = |sandbox: &Sandbox| {
        let page = sandbox.run(&["dag", "--format", "html"]).prints(0);
        let at = page.find("'nonce-").unwrap() + "'nonce-".len();
        let nonce = page[at..].split('\'').next().unwrap().to_owned();
        assert_eq!(
            page.matches(&format!("<script nonce=\"{nonce}\">")).count(),
            1
        );
        nonce
    };
    let (one, other) = (sandbox(), hostile());
    assert_eq!(nonce(&one), nonce(&one));
    assert_ne!(nonce(&one), nonce(&other));
}

#[test]
fn a_stage_that_cannot_run_is_drawn_and_says_why() {
    let sandbox = sandbox();
    sandbox.remove("in/customers");
    insta::assert_snapshot!(sandbox.run(&["dag", "join"]).prints(0), @"
    run    orders
    run    └─ clean
    error  customers
    run    join       ← customers, clean
    3 to run · 1 cannot run
    ");
    let drawn = sandbox.run(&["dag", "--format", "json"]).prints(0);
    let graph: serde_json::Value = serde_json::from_str(&drawn).unwrap();
    insta::assert_snapshot!(graph["nodes"][1]["error"].to_string(), @r#""dep in/customers does not exist, and no stage makes it; make it, or correct the path""#);
}

#[test]
fn without_states_no_data_is_read() {
    let sandbox = sandbox();
    sandbox.remove("in/orders");
    sandbox.fifo("in/orders");
    let drawn = sandbox
        .run(&["dag", "--no-state", "--format", "json"])
        .prints(0);
    let graph: serde_json::Value = serde_json::from_str(&drawn).unwrap();
    assert_eq!(graph["nodes"][0]["decision"], serde_json::Value::Null);
    assert_eq!(graph["edges"].as_array().unwrap().len(), 6);
}

#[test]
fn the_file_s_name_says_the_format_and_only_that_file_is_written() {
    let sandbox = sandbox();
    let before = sandbox.names(".");
    for (file, begin) in [
        ("g.txt", "run    orders"),
        ("g.mmd", "flowchart TD"),
        ("g.dot", "digraph \"test\""),
        ("g.json", "{\"schema\""),
        ("g.svg", "<svg "),
        ("g.html", "<!DOCTYPE html>"),
    ] {
        assert_eq!(
            sandbox.run(&["dag", "-o", file]).says(0),
            format!("wrote {file}\n")
        );
        assert!(sandbox.read(file).starts_with(begin), "{file}");
        sandbox.remove(file);
    }
    assert_eq!(sandbox.names("."), before);
    assert!(
        sandbox
            .run(&["dag", "-o", "-"])
            .prints(0)
            .starts_with("run    orders")
    );
    sandbox
        .run(&["dag", "--color=always", "-o", "plain.txt"])
        .prints(0);
    assert!(!sandbox.read("plain.txt").contains('\u{1b}'));
    insta::assert_snapshot!(sandbox.run(&["dag", "-o", "g.png"]).says(2), @"
    error: PNG cannot be made here
      hint: Graphviz can: playbook dag --format dot | dot -Tpng -o g.png
    ");
    insta::assert_snapshot!(sandbox.run(&["dag", "-o", "picture"]).says(2), @"
    error: the name picture does not say what format to write
      hint: say it: --format text, mermaid, dot, json, svg or html
    ");
    insta::assert_snapshot!(sandbox.run(&["dag", "--paths", "-o", "g.svg"]).says(2), @"
    error: --paths is for the formats mermaid and dot
      hint: json has the paths of every edge, svg and html show them at the arrows
    ");
}

#[test]
fn what_the_playbook_lives_by_is_not_overwritten() {
    let sandbox = sandbox();
    sandbox.ran(&[]);
    std::os::unix::fs::symlink("playbook.lock.yaml", sandbox.path("link.svg")).unwrap();
    let before = sandbox.read("playbook.lock.yaml");
    let mut said = String::new();
    for file in [
        "playbook.yaml",
        "playbook.lock.yaml",
        "link.svg",
        "playbook.events.jsonl",
        ".playbook/x.svg",
        "m/all",
        "m/new.svg",
        "in/orders",
        "in",
        "not/there.svg",
    ] {
        said += &sandbox.run(&["dag", "--format", "svg", "-o", file]).says(2);
    }
    insta::assert_snapshot!(said, @"
    error: playbook.yaml is the playbook; nothing was written
      hint: name another file with -o
    error: playbook.lock.yaml is the lock file; nothing was written
      hint: name another file with -o
    error: link.svg is the lock file; nothing was written
      hint: name another file with -o
    error: playbook.events.jsonl is the event log; nothing was written
      hint: name another file with -o
    error: .playbook/x.svg is in playbook's state directory; nothing was written
      hint: name another file with -o
    error: m/all is in m, which stage 'join' makes; nothing was written
      hint: name another file with -o
    error: m/new.svg is in m, which stage 'join' makes; nothing was written
      hint: name another file with -o
    error: in/orders is what stage 'orders' reads; nothing was written
      hint: name another file with -o
    error: in is a directory
      hint: name a file in it with -o
    error: there is no directory [ROOT]/not to write not/there.svg in
      hint: make it first: mkdir -p [ROOT]/not
    ");
    assert_eq!(sandbox.read("playbook.lock.yaml"), before);
    assert_eq!(sandbox.run(&["status", "--exit-code"]).code, Some(0));
}

#[test]
fn a_page_is_not_poured_over_a_terminal() {
    let sandbox = sandbox();
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let slave = openat(
        CWD,
        name.as_c_str(),
        OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC,
        Mode::empty(),
    )
    .unwrap();
    let mut command = sandbox.command(&["dag", "--format", "html"]);
    let said = sandbox.path("said");
    command
        .stdout(slave)
        .stderr(std::fs::File::create(&said).unwrap());
    assert_eq!(sandbox.start_wired(command).ended_quietly(), Some(2));
    insta::assert_snapshot!(sandbox.read("said"), @"
    error: a page is not for a terminal, and no file is named
      hint: name one: playbook dag -o dag.html
    ");
}

#[test]
fn a_wrong_selection_is_told_as_everywhere() {
    let sandbox = sandbox();
    insta::assert_snapshot!(sandbox.run(&["dag", "cleen"]).says(2), @"
    error: 'cleen' selects nothing: no stage has this name and none makes this path
      hint: did you mean 'clean'?
    ");
    assert_eq!(
        sandbox.run(&["dag", "state:failed"]).prints(0),
        "nothing selected\n"
    );
    for form in ["svg", "html", "mermaid", "dot", "json"] {
        sandbox
            .run(&["dag", "state:failed", "--format", form])
            .prints(0);
    }
}
