//! `report`: a page about a run, of whatever is still there to tell of it.

use crate::support::{Sandbox, assert_self_contained, data, parsed, texts, until};

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with_stages(
        "  a: {cmd: cp in x, deps: [in], outs: [x]}\n  \
         b: {cmd: 'echo to the log; cat x > y', deps: [x], outs: [y]}\n  \
         c: {cmd: cp z w, deps: [z], outs: [w]}\n",
    );
    sandbox.write("in", "1");
    sandbox.write("z", "1");
    sandbox
}

/// What the page says in words, a line each: heads, cells of tables, notes.
fn words(page: &str) -> String {
    parsed(page, |document| {
        let shown = ["h1", "h2", "h3", "h4", "p", "pre", "td", "summary", "b"];
        let of = |node: &roxmltree::Node<'_, '_>| {
            let name = node.tag_name().name();
            shown.contains(&name)
                || name == "span"
                    && node.parent().is_some_and(|up| {
                        up.attribute("class")
                            .unwrap_or_default()
                            .starts_with("tile")
                    })
        };
        let text = |node: roxmltree::Node<'_, '_>| -> String {
            let parts = node.descendants().filter(roxmltree::Node::is_text);
            parts.filter_map(|part| part.text()).collect()
        };
        let lines = document.descendants().filter(of).map(text);
        lines
            .filter(|line| !line.trim().is_empty())
            .collect::<Vec<_>>()
            .join("\n")
    })
}

#[test]
fn there_is_no_report_of_no_run() {
    let sandbox = sandbox();
    insta::assert_snapshot!(sandbox.run(&["report"]).says(2), @"
    error: there are no runs yet
      hint: 'playbook run' runs what has to run; a run that has nothing to do is not recorded
    ");
    assert_eq!(sandbox.names("."), ["in", "playbook.yaml", "z"]);
}

#[test]
fn a_run_is_told_from_its_totals_to_its_digests() {
    let sandbox = sandbox();
    sandbox.ran(&[]);
    sandbox.write("in", "2");
    sandbox.ran(&[]);
    assert_eq!(
        sandbox.run(&["report"]).says(0),
        "wrote playbook.report.html\n"
    );
    let page = sandbox.read("playbook.report.html");
    assert_self_contained(&page);
    insta::assert_snapshot!(words(&page));
    parsed(&page, |document| {
        assert_eq!(texts(document, "chip"), ["2 run", "1 cached"]);
        assert_eq!(texts(document, "nm"), ["a", "b", "c"]);
    });
    let data = data(&page);
    assert_eq!(data["stages"][0]["word"], "done");
    assert_eq!(data["stages"][2]["word"], "cached");
    assert_eq!(sandbox.run(&["report", "-o", "-"]).prints(0), page);
}

#[test]
fn a_failure_is_told_with_the_end_of_its_log_while_that_is_there() {
    let sandbox = sandbox();
    sandbox.stages(
        "  a: {cmd: 'seq 50; echo \"</pre><script>alert(1)</script>\"; printf \"\\033[31m\"; exit 3', outs: [x]}\n  \
         b: {cmd: cat x, deps: [x]}\n",
    );
    sandbox.run(&["run"]).prints(1);
    sandbox.run(&["report", "-q"]).prints(0);
    let page = sandbox.read("playbook.report.html");
    assert_self_contained(&page);
    assert!(!page.contains('\u{1b}'));
    let told = words(&page);
    assert!(
        told.contains("(last 40 lines)\n13\n")
            && told.contains("50\n</pre><script>alert(1)</script>"),
        "{told}"
    );
    assert!(
        told.contains("(last 40 lines)") && told.contains("because 'a' failed"),
        "{told}"
    );
    let log = ".playbook/playbook/logs/0192f3c1-0000/a.1.log";
    sandbox.remove(log);
    let told = words(&sandbox.run(&["report", "-o", "-"]).prints(0));
    assert!(
        told.contains(&format!("{log}\nit is not there any more")),
        "{told}"
    );
    assert!(
        told.contains("Note: the log of failed stages cannot be shown any more"),
        "{told}"
    );
}

#[test]
fn lines_that_a_crash_tore_are_counted_and_spoil_nothing_else() {
    let sandbox = sandbox();
    sandbox.ran(&[]);
    let log = sandbox.read("playbook.events.jsonl");
    let torn: Vec<String> = log
        .lines()
        .map(|line| {
            if line.contains("stage_completed") && line.contains("\"stage\":\"b\"") {
                line[..line.len() - 9].to_owned()
            } else {
                line.to_owned()
            }
        })
        .collect();
    sandbox.write("playbook.events.jsonl", &(torn.join("\n") + "\n"));
    let told = words(&sandbox.run(&["report", "-o", "-"]).prints(0));
    assert!(told.contains("Note: 1 line of the event log within this run cannot be read; what it told is missing here"), "{told}");
    assert!(
        told.contains("What went wrong\nb\nits end was never told"),
        "{told}"
    );
}

#[test]
fn a_run_that_goes_on_and_one_that_died_are_told_apart() {
    let sandbox = Sandbox::with_stages("  a: {cmd: echo up > up; read line < hold, outs: [up]}\n")
        .real_clock();
    sandbox.fifo("hold");
    let mut run = sandbox.live(&["run"]);
    until("the stage runs", || sandbox.exists("up").then_some(()));
    let told = until("the event log says so", || {
        let report = sandbox.run(&["report", "-o", "-"]);
        (report.code == Some(0)).then(|| words(&report.stdout))
    });
    assert!(
        told.contains(&format!("This run is still going on (pid {})", run.id())),
        "{told}"
    );
    run.die();
    let told = words(&sandbox.run(&["report", "-o", "-"]).prints(0));
    assert!(
        told.contains("This run did not come to its end: it was killed, or the machine stopped"),
        "{told}"
    );
}

#[test]
fn a_run_is_named_by_its_place_or_the_beginning_of_its_id() {
    let sandbox = sandbox();
    sandbox.ran(&["a"]);
    let first = sandbox.run(&["report", "-o", "-", "last"]).prints(0);
    sandbox.ran(&["c"]);
    assert!(
        words(&sandbox.run(&["report", "-o", "-", "@2"]).prints(0))
            .contains("Stages and reasons\na\n")
    );
    assert!(words(&first).contains("Stages and reasons\na\n"));
    sandbox
        .run(&["report", "-o", "-", "playbook.yaml", "0192f3c1"])
        .prints(0);
    insta::assert_snapshot!(sandbox.run(&["report", "ffff"]).says(2), @"
    error: there is no run 'ffff' in playbook.events.jsonl
      hint: the last runs are 0192f3c1-0000-7000-8000-000000000001 (2026-02-16T14:00:00Z), 0192f3c1-0000-7000-8000-000000000001 (2026-02-16T14:00:00Z); 'playbook log' shows more
    ");
    insta::assert_snapshot!(sandbox.run(&["report", "last", "@2"]).says(2), @"error: a report is about one run, and '@2' is one more");
}

#[test]
fn a_stage_that_is_gone_from_the_playbook_is_in_the_lists_and_not_in_the_graph() {
    let sandbox = sandbox();
    sandbox.ran(&[]);
    sandbox.stages(
        "  a: {cmd: cp in x, deps: [in], outs: [x]}\n  new: {cmd: cp x v, deps: [x], outs: [v]}\n",
    );
    let page = sandbox.run(&["report", "-o", "-"]).prints(0);
    let told = words(&page);
    assert!(told.contains("Note: 2 stages of this run are not in the playbook any more: in the lists below, not in the graph"), "{told}");
    parsed(&page, |document| {
        assert_eq!(texts(document, "nm"), ["a", "new"]);
        assert_eq!(texts(document, "st"), ["done · 0.00 s", "not run"]);
    });
}

#[test]
fn params_are_told_with_what_was_set_for_the_run() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "playbook.yaml",
        "version: \"1.0\"\nname: p\nparams: {lr: 0.1, deep: {er: [1, two]}}\nenv: {KEY: hunter2}\nstages:\n  \
         a: {cmd: 'echo {{params.lr}} {{env.KEY}} > x', params: [deep.er], outs: [x]}\n",
    );
    sandbox.ran(&["--set", "lr=0.2"]);
    let page = sandbox.run(&["report", "-o", "-"]).prints(0);
    assert!(!page.contains("hunter2"));
    let told = words(&page);
    let params = &told[told.find("Params\n").unwrap()..told.find("Outputs\n").unwrap()];
    insta::assert_snapshot!(params, @r#"
    Params
    lr
    0.2
    deep.er
    [1,"two"]
    a
    lr
    0.2
    a
    "#);
}

#[test]
fn of_an_older_run_nothing_is_told_that_the_lock_has_of_a_later_one() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "playbook.yaml",
        "version: \"1.0\"\nname: p\nparams: {lr: 0.125}\nstages:\n  a: {cmd: 'echo {{params.lr}} > x', outs: [x]}\n",
    );
    sandbox.ran(&[]);
    sandbox.ran(&["--set", "lr=10.5"]);
    let told = words(&sandbox.run(&["report", "-o", "-", "@2"]).prints(0));
    assert!(
        !told.contains("10.5") && !told.contains("Params\n"),
        "{told}"
    );
    // Its digest is in the event log, its size only in the lock.
    assert!(told.contains("Outputs\nx\na\nblake3:"), "{told}");
    let told = words(&sandbox.run(&["report", "-o", "-"]).prints(0));
    assert!(told.contains("lr\n10.5\na\n"), "{told}");
}
