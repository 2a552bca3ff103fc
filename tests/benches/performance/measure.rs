//! Times calls, or counts their instructions, in a process that is configured as the row asks.

use std::hint::black_box;
use std::process::{Command, Output};
use std::time::Instant;

use crate::rows::{Measure, OURS, PLAIN, Row};

const ROUNDS: usize = 200;

/// The result of one variant of a row.
pub(crate) type Figure = (String, f64);

/// One way to do what the row measures.
pub(crate) struct Variant {
    pub(crate) name: &'static str,
    /// Does it this many times.
    pub(crate) run: Box<dyn FnMut(u32)>,
    /// Waits for background work, so that it does not disturb the next round.
    pub(crate) settle: fn(),
}

impl Variant {
    pub(crate) fn new(name: &'static str, run: impl FnMut(u32) + 'static) -> Self {
        Self { name, run: Box::new(run), settle: || {} }
    }

    /// Runs a function this many times, each time with a different number.
    pub(crate) fn of_call<R>(name: &'static str, mut call: impl FnMut(i64) -> R + 'static) -> Self {
        Self::new(name, move |calls| {
            (0..calls).for_each(|number| drop(black_box(call(black_box(number.into())))));
        })
    }

    /// Runs inside something that is set up for each round.
    pub(crate) fn inside<G>(mut self, mut enter: impl FnMut() -> G + 'static) -> Self {
        let mut run = self.run;
        self.run = Box::new(move |calls| {
            let _entered = enter();
            run(calls);
        });
        self
    }

    /// Nanoseconds per call, in one round.
    fn time(&mut self, calls: u32) -> f64 {
        let start = Instant::now();
        (self.run)(calls);
        let elapsed = start.elapsed();
        (self.settle)();
        elapsed.as_secs_f64() * 1e9 / f64::from(calls)
    }
}

/// The shortest time of each variant, measured in a separate process.
pub(crate) fn measure_time(row: &Row) -> Vec<Figure> {
    let mut child = Command::new(program());
    child.args(["--time", row.name]).envs(row.environment.iter().copied());
    let output = run(&mut child);
    String::from_utf8_lossy(&output.stdout).lines().filter_map(parse).collect()
}

fn parse(line: &str) -> Option<Figure> {
    let (name, figure) = line.split_once('\t')?;
    Some((name.to_owned(), figure.parse().ok()?))
}

/// The child's side of [`measure_time`]. Machines are shared, so the variants take turns, and the fastest round counts.
pub(crate) fn print_times(row: &Row) {
    let Measure::Calls { a_round, variants } = row.measure else { return };
    let mut variants = variants();
    let mut least = vec![f64::INFINITY; variants.len()];
    for _ in 0..ROUNDS {
        for (variant, least) in variants.iter_mut().zip(&mut least) {
            *least = least.min(variant.time(a_round));
        }
    }
    for (variant, least) in variants.iter().zip(least) {
        println!("{}\t{least}", variant.name);
    }
}

/// Runs one variant in a loop, for a profiler.
pub(crate) fn run_loop(row: &Row, name: &str, calls: &str) {
    let Measure::Calls { variants, .. } = row.measure else { return };
    let calls = calls.parse().expect("a number of calls");
    for mut variant in variants().into_iter().filter(|variant| variant.name == name) {
        watched_loop(&mut variant, calls);
        (variant.settle)();
    }
}

/// Callgrind counts only inside this function, because fastrace's clock spins for a while when the program starts.
#[inline(never)]
fn watched_loop(variant: &mut Variant, calls: u32) {
    (variant.run)(calls);
}

/// The instructions of one call of each variant, on the caller's thread.
pub(crate) fn count_instructions(row: &Row) -> Vec<Figure> {
    let plain = row.over_plain.then_some(PLAIN);
    let names = [OURS].into_iter().chain(plain).chain(row.beside.iter().map(|(name, _)| *name));
    names.map(|name| (name.to_owned(), instructions_a_call(row, name))).collect()
}

fn instructions_a_call(row: &Row, variant: &str) -> f64 {
    const CALLS: &str = "2000";
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=*watched_loop*"]);
    valgrind.arg(program()).args(["--loop", row.name, variant, CALLS]);
    let report = run(valgrind.envs(row.environment.iter().copied())).stderr;
    let report = String::from_utf8_lossy(&report).into_owned();
    let collected = report.lines().find_map(|line| line.split("Collected : ").nth(1));
    let collected = collected.and_then(|count| count.trim().parse::<f64>().ok());
    collected.expect("callgrind says what it collected") / CALLS.parse::<f64>().expect("a number")
}

fn program() -> std::path::PathBuf {
    std::env::current_exe().expect("a running program has a path")
}

/// Runs a program, which has to succeed.
pub(crate) fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}
