//! What a stage printed, printed again.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::Path;

use crate::render::harmless::harmless;
use crate::term;

/// So much of one line is shown at once.
const LONGEST: u64 = 1 << 16;

/// Prints a log: byte for byte where nobody looks at it or asked for that, else so that it does nothing to a terminal.
///
/// # Errors
///
/// Of the log, and of standard output.
pub(crate) fn show_bytes(path: &Path, raw: bool) -> Result<(), ShowError> {
    let mut log = BufReader::new(File::open(path).map_err(ShowError::Log)?);
    if raw || !term::out_is_terminal() {
        loop {
            let bytes = log.fill_buf().map_err(ShowError::Log)?;
            if bytes.is_empty() {
                return Ok(());
            }
            term::out_bytes(bytes).map_err(ShowError::Out)?;
            let count = bytes.len();
            log.consume(count);
        }
    }
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut rest = (&mut log).take(LONGEST);
        if rest.read_until(b'\n', &mut line).map_err(ShowError::Log)? == 0 {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&line);
        let shown = harmless_line(text.trim_end_matches('\n'));
        let end = if text.ends_with('\n') || line.len() < 1 << 16 {
            "\n"
        } else {
            ""
        };
        term::out(&(shown + end)).map_err(ShowError::Out)?;
    }
}

/// Which of the two could not be used.
#[derive(Debug)]
pub(crate) enum ShowError {
    Log(io::Error),
    Out(io::Error),
}

/// A line as it looked when it was printed, without colours; tabs stay.
fn harmless_line(line: &str) -> String {
    let plain = anstream::adapter::strip_str(line).to_string();
    let line = plain.trim_end_matches('\r');
    // Carriage returns redraw a line.
    let last_drawn = line.rsplit('\r').next().unwrap_or_default();
    let parts: Vec<_> = last_drawn.split('\t').map(harmless).collect();
    parts.join("\t")
}

#[cfg(test)]
mod tests {
    use super::harmless_line;

    #[test]
    fn lines_read_as_they_looked() {
        for (line, shown) in [
            ("plain\ttext ü", "plain\ttext ü"),
            ("\x1b[31mred\x1b[0m", "red"),
            ("10%\r50%\r100%\r", "100%"),
            ("bell\x07", "bell"),
            ("\x1b]0;title\x07after", "after"),
        ] {
            assert_eq!(harmless_line(line), shown, "{line:?}");
        }
    }
}
