//! Writes the corpus of shapes a second time, without its attributes.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    // Two packages run this, each in its own folder.
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

/// The line, or a comment in its place, so that every shape stands in the same line in both.
fn plain_line(line: &str) -> &str {
    let code = line.trim();
    let is_attribute = code.starts_with("#[observe");
    let is_import = code.starts_with("use ") && code.ends_with("::observe;");
    // A file that is included cannot be documented from within.
    let is_file_doc = code.starts_with("//!") && line.starts_with("//!");
    if is_attribute || is_import || is_file_doc { "//\n" } else { line }
}
