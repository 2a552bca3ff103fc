//! Writes a second copy of the corpus of shapes, without its attribute macros.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    // Two packages run this script, each in its own folder.
    let corpus = if Path::new("corpus").exists() { "corpus" } else { "../corpus" };
    println!("cargo::rerun-if-changed={corpus}");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    for entry in fs::read_dir(corpus)? {
        write_plain(&entry?.path(), &out)?;
    }
    Ok(())
}

fn write_plain(shapes: &Path, out: &Path) -> io::Result<()> {
    let Some(name) = shapes.file_name() else { return Ok(()) };
    let observed = fs::read_to_string(shapes)?;
    let plain: String = observed.split_inclusive('\n').map(plain_line).collect();
    fs::write(out.join(name), plain)
}

/// Returns the line, or a comment in its place, so that every shape has the same line number in both copies.
fn plain_line(line: &str) -> &str {
    let code = line.trim();
    let is_attribute = code.starts_with("#[observe");
    let is_import = code.starts_with("use ") && code.ends_with("::observe;");
    // An included file cannot contain inner doc comments.
    let is_file_doc = code.starts_with("//!") && line.starts_with("//!");
    if is_attribute || is_import || is_file_doc { "//\n" } else { line }
}
