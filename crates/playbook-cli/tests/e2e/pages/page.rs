//! A page cut into sections, and these into files, sessions and everything else. What was read is written back the same.

use std::fmt;

/// A page.
pub(super) struct Page {
    pub(super) sections: Vec<Section>,
}

/// What stands below one heading, with the heading.
#[derive(Default)]
pub(super) struct Section {
    pub(super) blocks: Vec<Block>,
}

/// A piece of a section.
pub(super) enum Block {
    /// Lines that are only read, fences of other languages with them.
    Prose(String),
    /// A file to write.
    File { name: String, text: String },
    /// Commands to run.
    Session(Vec<Command>),
}

/// One command of a session.
pub(super) struct Command {
    pub(super) text: String,
    pub(super) printed: String,
}

impl Page {
    /// Cuts a page.
    pub(super) fn parse(text: &str) -> Self {
        let mut sections = vec![Section::default()];
        let mut lines = text.split_inclusive('\n');
        while let Some(line) = lines.next() {
            if line.starts_with('#') {
                sections.push(Section::default());
            }
            let section = sections.last_mut().unwrap();
            let Some(info) = line.strip_prefix("```") else {
                section.prose(line);
                continue;
            };
            let inside: String = lines.by_ref().take_while(|line| *line != "```\n").collect();
            section.fenced(info.trim(), line, &inside);
        }
        Self { sections }
    }
}

impl Section {
    fn prose(&mut self, line: &str) {
        match self.blocks.last_mut() {
            Some(Block::Prose(text)) => text.push_str(line),
            _ => self.blocks.push(Block::Prose(line.to_owned())),
        }
    }

    fn fenced(&mut self, info: &str, open: &str, inside: &str) {
        let block = match info.split_once(' ') {
            Some((_, name)) => {
                self.prose(open);
                Block::File {
                    name: name.to_owned(),
                    text: inside.to_owned(),
                }
            }
            None if info == "console" => Block::Session(session(inside)),
            // A playbook that nobody tries may be wrong.
            None => {
                assert!(
                    !matches!(info, "yaml" | "toml" | "json"),
                    "a block of {info} has no file name:\n{inside}"
                );
                self.prose(&format!("{open}{inside}```\n"));
                return;
            }
        };
        self.blocks.push(block);
    }
}

fn session(inside: &str) -> Vec<Command> {
    assert!(
        inside.starts_with("$ "),
        "a session begins with a command:\n{inside}"
    );
    let mut commands: Vec<Command> = Vec::new();
    for line in inside.split_inclusive('\n') {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (None, Some(command)) => command.printed.push_str(line),
            (text, _) => commands.push(Command {
                text: text.unwrap_or_default().trim_end().to_owned(),
                printed: String::new(),
            }),
        }
    }
    commands
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for block in self.sections.iter().flat_map(|section| &section.blocks) {
            match block {
                Block::Prose(text) => f.write_str(text)?,
                Block::File { text, .. } => writeln!(f, "{text}```")?,
                Block::Session(commands) => {
                    f.write_str("```console\n")?;
                    for command in commands {
                        write!(f, "$ {}\n{}", command.text, command.printed)?;
                    }
                    f.write_str("```\n")?;
                }
            }
        }
        Ok(())
    }
}
