//! Files in YAML, with a header that says where they come from.

use serde::Serialize;

use super::{File, HEADER};
use crate::message::Failure;

/// Writes a value to a file, below the header and what the file is for.
pub(super) fn file(path: &'static str, purpose: &str, value: &impl Serialize) -> Result<File, Failure> {
    let text = serde_saphyr::to_string(value)
        .map_err(|error| Failure::Format { file: path.to_owned(), error: error.to_string() })?;
    let mut content = format!("# {HEADER}\n");
    for line in purpose.lines() {
        content.push_str(format!("# {line}").trim_end());
        content.push('\n');
    }
    content.push('\n');
    content.push_str(text.trim_start_matches("---\n"));
    if !content.ends_with('\n') {
        content.push('\n');
    }
    Ok(File { path, content })
}
