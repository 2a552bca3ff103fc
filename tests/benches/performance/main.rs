//! Measures the overhead of an attribute macro, at run time and at compile time, compared with the alternatives.
//!
//! `cargo bench -p a2a-otel-tests` measures everything, `... -- poll` only the rows with that word in their name, and
//! `... -- --instructions poll` counts instructions instead, which are not affected by noise. `docs/performance.md`
//! describes the comparisons.

mod call;
mod capture;
mod compile;
mod conversation;
mod figures;
mod hop;
mod mcp;
mod measure;
mod metric;
mod pipeline;
mod poll;
mod rows;
mod scrape;
mod size;
mod table;

use self::measure::{count_instructions, measure_time};
use self::rows::{Measure, ROWS, Row};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["--time", row] => measure::print_times(find(row)),
        ["--send", way, endpoint] => pipeline::send(way, endpoint),
        ["--scrape", way, scrapes] => scrape::scrape(way, scrapes),
        ["--loop", row, variant, calls] => measure::run_loop(find(row), variant, calls),
        // `cargo test --all-targets` also starts benchmarks, but should only test.
        _ if !arguments.contains(&"--bench") => println!("only `cargo bench` measures"),
        _ => print_table(&arguments),
    }
}

fn find(name: &str) -> &'static Row {
    ROWS.iter().find(|row| row.name == name).unwrap_or_else(|| panic!("no row is called {name:?}"))
}

fn print_table(arguments: &[&str]) {
    let words: Vec<_> = arguments.iter().filter(|word| !word.starts_with("--")).collect();
    let is_wanted = |row: &&Row| words.is_empty() || words.iter().any(|word| row.name.contains(**word));
    let instructions = arguments.contains(&"--instructions");
    table::print_head();
    for row in ROWS.iter().filter(is_wanted) {
        match row.measure {
            Measure::Calls { .. } if instructions => {
                table::print(row, "instructions", &count_instructions(row));
            }
            Measure::Calls { .. } => table::print(row, row.unit, &measure_time(row)),
            Measure::Figures(_) if instructions => {}
            Measure::Figures(figures) => table::print(row, row.unit, &figures()),
        }
    }
}
