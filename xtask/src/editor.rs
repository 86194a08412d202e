//! A playbook in an editor: the YAML language server reads the schema that the playbook's first line names, and reports,
//! explains and completes.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use crate::say::say;
use crate::tools::{cargo, program, root};

/// Goes through what a person would see.
pub(crate) fn run() -> anyhow::Result<bool> {
    let directory = tempfile::tempdir()?;
    let place = directory.path().display().to_string();
    let init = [
        "run",
        "--quiet",
        "--locked",
        "-p",
        "playbook-cli",
        "--",
        "init",
        "--quiet",
        &place,
    ];
    if !cargo(&init, &[])? {
        return Ok(false);
    }
    let text = fs::read_to_string(directory.path().join("playbook.yaml"))?;
    let mut editor = Editor::start(directory.path())?;
    let found = editor.complaints("playbook.yaml", &text)?;
    ensure!(
        found.is_empty(),
        "it complains about what 'init' writes: {found:?}"
    );
    examples(&mut editor, &text)?;

    let wrong = format!("{text}    dep: [x]\n    shell: zsh\n");
    let found = editor.complaints("wrong.yaml", &wrong)?;
    for expected in [
        "Property dep is not allowed",
        "\"sh\", \"bash\", \"raw\", \"rash\"",
    ] {
        ensure!(
            found.iter().any(|it| it.contains(expected)),
            "it does not say '{expected}', but {found:?}"
        );
    }
    let line = wrong
        .lines()
        .position(|line| line.trim_start().starts_with("outs:"));
    let about = editor.hover("wrong.yaml", line.context("no outs")?, 5)?;
    ensure!(
        about.contains("Files and directories the stage makes"),
        "about 'outs' it says: {about}"
    );

    let begun = format!("{text}    \n");
    editor.complaints("begun.yaml", &begun)?;
    let offered = editor.completions("begun.yaml", begun.lines().count() - 1, 4)?;
    for expected in ["after", "env", "frozen", "resources", "shell", "wdir"] {
        ensure!(
            offered.iter().any(|it| it == expected),
            "it does not offer '{expected}', but {offered:?}"
        );
    }
    say(
        "the language server reports an unknown field and a wrong word, explains a field, and completes fields",
    );
    Ok(true)
}

/// The playbooks of the examples are fine to it too.
fn examples(editor: &mut Editor, text: &str) -> anyhow::Result<()> {
    let modeline = text.lines().next().unwrap_or_default();
    for example in fs::read_dir(root().join("examples"))? {
        let path = example?.path().join("playbook.yaml");
        let text = fs::read_to_string(&path)?;
        let name = format!(
            "{}.yaml",
            path.parent()
                .and_then(Path::file_name)
                .unwrap_or_default()
                .to_string_lossy()
        );
        let found = editor.complaints(&name, &format!("{modeline}\n{text}"))?;
        ensure!(
            found.is_empty(),
            "it complains about {}: {found:?}",
            path.display()
        );
    }
    Ok(())
}

/// The language server and what came from it without being asked for.
struct Editor {
    server: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    uri: String,
    asked: u64,
    told: Vec<Value>,
}

impl Editor {
    fn start(directory: &Path) -> anyhow::Result<Self> {
        let mut command = program("yaml-language-server".as_ref());
        command
            .arg("--stdio")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut server = command
            .spawn()
            .context("cannot start yaml-language-server")?;
        let to = server.stdin.take().context("no way in")?;
        let from = BufReader::new(server.stdout.take().context("no way out")?);
        let uri = format!("file://{}", directory.display());
        let mut editor = Self {
            server,
            to,
            from,
            uri,
            asked: 0,
            told: Vec::new(),
        };
        let capabilities = json!({"textDocument": {"hover": {"contentFormat": ["plaintext"]}}});
        editor.ask(
            "initialize",
            &json!({"processId": null, "rootUri": editor.uri, "capabilities": capabilities}),
        )?;
        editor.send(json!({"method": "initialized", "params": {}}))?;
        Ok(editor)
    }

    /// Opens a text and gives what is said against it.
    fn complaints(&mut self, name: &str, text: &str) -> anyhow::Result<Vec<String>> {
        let uri = format!("{}/{name}", self.uri);
        let document = json!({"uri": uri, "languageId": "yaml", "version": 1, "text": text});
        self.send(json!({"method": "textDocument/didOpen", "params": {"textDocument": document}}))?;
        loop {
            let about = |it: &Value| {
                it["method"] == "textDocument/publishDiagnostics" && it["params"]["uri"] == uri
            };
            if let Some(at) = self.told.iter().position(about) {
                let told = self.told.remove(at);
                let all = told["params"]["diagnostics"]
                    .as_array()
                    .into_iter()
                    .flatten();
                return Ok(all
                    .map(|it| it["message"].as_str().unwrap_or_default().to_owned())
                    .collect());
            }
            let message = self.receive()?;
            self.take(message)?;
        }
    }

    fn hover(&mut self, name: &str, line: usize, column: usize) -> anyhow::Result<String> {
        let answer = self.at("textDocument/hover", name, line, column)?;
        Ok(answer["contents"]["value"]
            .as_str()
            .unwrap_or_default()
            .to_owned())
    }

    fn completions(
        &mut self,
        name: &str,
        line: usize,
        column: usize,
    ) -> anyhow::Result<Vec<String>> {
        let answer = self.at("textDocument/completion", name, line, column)?;
        let items = answer["items"].as_array().into_iter().flatten();
        Ok(items
            .filter_map(|item| item["label"].as_str().map(str::to_owned))
            .collect())
    }

    fn at(
        &mut self,
        method: &str,
        name: &str,
        line: usize,
        column: usize,
    ) -> anyhow::Result<Value> {
        let document = json!({"uri": format!("{}/{name}", self.uri)});
        self.ask(
            method,
            &json!({"textDocument": document, "position": {"line": line, "character": column}}),
        )
    }

    fn ask(&mut self, method: &str, params: &Value) -> anyhow::Result<Value> {
        self.asked += 1;
        let id = self.asked;
        self.send(json!({"id": id, "method": method, "params": params}))?;
        loop {
            let mut message = self.receive()?;
            if message["method"].is_null() && message["id"] == id {
                ensure!(message["error"].is_null(), "{method}: {}", message["error"]);
                return Ok(message["result"].take());
            }
            self.take(message)?;
        }
    }

    /// Keeps what was told, and answers what was asked: no settings but that nothing comes from the network.
    fn take(&mut self, message: Value) -> anyhow::Result<()> {
        if message["id"].is_null() {
            self.told.push(message);
            return Ok(());
        }
        let setting = |item: &Value| match item["section"].as_str() {
            Some("yaml") => json!({"schemaStore": {"enable": false}}),
            _ => Value::Null,
        };
        let items = message["params"]["items"].as_array();
        let answer = items.map_or(Value::Null, |items| items.iter().map(setting).collect());
        self.send(json!({"id": message["id"], "result": answer}))
    }

    fn send(&mut self, mut message: Value) -> anyhow::Result<()> {
        message["jsonrpc"] = json!("2.0");
        let text = message.to_string();
        write!(self.to, "Content-Length: {}\r\n\r\n{text}", text.len())?;
        Ok(self.to.flush()?)
    }

    fn receive(&mut self) -> anyhow::Result<Value> {
        let mut length = 0;
        loop {
            let mut line = String::new();
            ensure!(
                self.from.read_line(&mut line)? > 0,
                "yaml-language-server has ended"
            );
            let line = line.trim().to_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(number) = line.strip_prefix("content-length:") {
                length = number.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        self.from.read_exact(&mut body)?;
        Ok(serde_json::from_slice(&body)?)
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.server.kill();
        let _status = self.server.wait();
    }
}
