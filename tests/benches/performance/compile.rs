//! Measures how long the compiler takes for 1,000 annotated functions, and how large they become.
//!
//! A workspace under `target/` has one crate for each attribute macro, with the same functions. It uses our
//! `Cargo.lock`, and so the same versions.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::measure::{Figure, run};
use crate::rows::{FASTRACE, INSTRUMENT, INSTRUMENT_RET, OURS, PLAIN, SKIP_ALL};

const FUNCTIONS: usize = 1_000;
const ROUNDS: usize = 3;

struct Crate {
    variant: &'static str,
    name: &'static str,
    dependency: &'static str,
    attribute: &'static str,
}

const CRATES: &[Crate] = &[
    Crate { variant: PLAIN, name: "plain", dependency: "", attribute: "" },
    Crate {
        variant: OURS,
        name: "ours",
        dependency: "a2a-otel = { path = \"{workspace}/a2a-otel\" }",
        attribute: r#"#[a2a_otel::chain_span(fields("shop.query_{number}" = query, "shop.limit_{number}" = limit))]"#,
    },
    Crate {
        variant: SKIP_ALL,
        name: "ours-skip-all",
        dependency: "a2a-otel = { path = \"{workspace}/a2a-otel\" }",
        attribute: r#"#[a2a_otel::chain_span(skip_all, fields("shop.query_{number}" = query, "shop.limit_{number}" = limit))]"#,
    },
    Crate {
        variant: INSTRUMENT,
        name: "tracing-err",
        dependency: "tracing = \"0.1\"",
        attribute: "#[tracing::instrument(err, fields(shop.query_{number} = query, shop.limit_{number} = limit))]",
    },
    Crate {
        variant: INSTRUMENT_RET,
        name: "tracing-err-ret",
        dependency: "tracing = \"0.1\"",
        attribute: "#[tracing::instrument(err, ret, fields(shop.query_{number} = query, shop.limit_{number} = limit))]",
    },
    Crate {
        variant: FASTRACE,
        name: "fastrace-trace",
        dependency: "fastrace = { version = \"0.7\", features = [\"enable\"] }",
        attribute: r#"#[fastrace::trace(properties = { "shop.query_{number}": "{query}", "shop.limit_{number}": "{limit}" })]"#,
    },
];

/// `{number}` makes the functions and what they record different, so that neither the compiler nor the linker merges
/// them.
const FUNCTION: &str = "
{attribute}
async fn find_{number}(query: &str, limit: usize, exact: bool) -> Result<Vec<String>, std::num::ParseIntError> {
    std::future::ready(()).await;
    let copies: usize = query.parse()?;
    Ok(if exact { vec![] } else { vec![query.repeat(copies.min(limit + {number}))] })
}

fn boxed_{number}() -> Found {
    Box::pin(find_{number}(\"17\", 9, true))
}
";

/// With trait objects, all polls are compiled. Each future is boxed in its own function: with a thousand in one, the
/// compiler's work would grow quadratically and dominate the result.
const ALL: &str = "
type Found = std::pin::Pin<Box<dyn Future<Output = Result<Vec<String>, std::num::ParseIntError>>>>;

pub static ALL: &[fn() -> Found] = &[{boxed}];
";

pub(crate) fn check() -> Vec<Figure> {
    measure(&["check", "--lib"])
}

pub(crate) fn build() -> Vec<Figure> {
    measure(&["build", "--lib"])
}

/// Bytes of code that each additional function adds.
pub(crate) fn text() -> Vec<Figure> {
    generate();
    let many = CRATES.iter().map(|member| text_of(member, FUNCTIONS)).collect::<Vec<_>>();
    let one = CRATES.iter().map(|member| text_of(member, 1));
    let added = CRATES.iter().zip(many).zip(one);
    added.map(|((member, many), one)| (member.variant.to_owned(), (many - one) / 999.0)).collect()
}

fn text_of(member: &Crate, functions: usize) -> f64 {
    write_functions(member, functions);
    run(&mut cargo(&["build", "--release"], member));
    let binary = root().join("target/release").join(member.name);
    let sizes = run(Command::new("size").arg("-A").arg(binary)).stdout;
    let sizes = String::from_utf8_lossy(&sizes).into_owned();
    let text = sizes.lines().find_map(|line| line.strip_prefix(".text"));
    let size = text.and_then(|line| line.split_whitespace().next()?.parse().ok());
    size.expect("a program has code")
}

/// The shortest CPU time of each crate, with all dependencies already built.
fn measure(command: &[&str]) -> Vec<Figure> {
    generate();
    for member in CRATES {
        write_functions(member, 1);
        run(&mut cargo(command, member));
    }
    let mut least = vec![f64::INFINITY; CRATES.len()];
    for _ in 0..ROUNDS {
        for (member, least) in CRATES.iter().zip(&mut least) {
            write_functions(member, FUNCTIONS);
            *least = least.min(cpu_of(&mut cargo(command, member)));
        }
    }
    CRATES.iter().zip(least).map(|(member, least)| (member.variant.to_owned(), least)).collect()
}

fn cpu_of(command: &mut Command) -> f64 {
    let start = cpu_of_children();
    run(command);
    cpu_of_children() - start
}

/// Seconds of user and system time of all children that have ended. Only Linux reports this without unsafe code.
fn cpu_of_children() -> f64 {
    // Fields 16 and 17 of proc_pid_stat(5). The second field is a name in parentheses. Linux counts 100 ticks a second.
    let stat = fs::read_to_string("/proc/self/stat").expect("the benchmark of compilation runs on Linux");
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(13).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn cargo(command: &[&str], member: &Crate) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // The lock file lists more than these crates need, so it may change, but without access to the network.
    cargo.args(command).args(["--offline", "--quiet", "--package", member.name]);
    cargo.current_dir(root()).env("CARGO_INCREMENTAL", "0").env("CARGO_TARGET_DIR", "target");
    cargo
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("performance")
}

fn generate() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a member of the workspace");
    write(&root().join("Cargo.toml"), "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n");
    let lock = fs::read_to_string(workspace.join("Cargo.lock")).expect("the workspace has a lock file");
    write(&root().join("Cargo.lock"), &lock);
    for member in CRATES {
        let folder = folder(member);
        let dependency = member.dependency.replace("{workspace}", &workspace.to_string_lossy());
        let manifest = format!(
            "[package]\nname = \"{}\"\nedition = \"2024\"\n\n[dependencies]\n{dependency}\n",
            member.name
        );
        write(&folder.join("Cargo.toml"), &manifest);
        let library = member.name.replace('-', "_");
        let main = format!("fn main() {{\n    std::hint::black_box({library}::ALL);\n}}\n");
        write(&folder.join("src/main.rs"), &main);
    }
}

fn folder(member: &Crate) -> PathBuf {
    root().join("crates").join(member.name)
}

fn write_functions(member: &Crate, functions: usize) {
    let mut code = String::new();
    let mut boxed = String::new();
    for number in 0..functions {
        let function = FUNCTION.replace("{attribute}", member.attribute);
        code += &function.replace("{number}", &number.to_string());
        let _ = write!(boxed, "boxed_{number}, ");
    }
    code += &ALL.replace("{boxed}", &boxed);
    write(&folder(member).join("src/lib.rs"), &code);
}

fn write(path: &Path, text: &str) {
    let folder = path.parent().expect("a file is in a folder");
    fs::create_dir_all(folder).and_then(|()| fs::write(path, text)).expect("target/ can be written to");
}
