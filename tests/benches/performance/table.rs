//! Prints the table in Markdown.

use crate::measure::Figure;
use crate::rows::{OURS, PLAIN, Row, Target};

pub(crate) fn print_head() {
    print_line(
        ["what", "ours", "compared with", "theirs", "ours to theirs", "target", "reached"].map(str::to_owned),
    );
    println!("|{:-<36}|{:->18}:|{:-<33}|{:->10}:|{:->15}:|{:->10}:|{:-<9}|", "", "", "", "", "", "", "");
}

/// One line for each alternative. What they share is printed only in the first line.
pub(crate) fn print(row: &Row, unit: &str, figures: &[Figure]) {
    let plain = if row.over_plain { find(figures, PLAIN) } else { 0.0 };
    let ours = find(figures, OURS) - plain;
    let shared = (row.what.to_owned(), format!("{} {unit}", number(ours)));
    let shared = std::iter::once(shared).chain(std::iter::repeat_with(Default::default));
    for ((what, ours_once), (name, target)) in shared.zip(row.beside) {
        let theirs = find(figures, name) - plain;
        let [relation, wanted, reached] = judge(*target, ours, theirs);
        print_line([what, ours_once, (*name).to_owned(), number(theirs), relation, wanted, reached]);
    }
}

fn find(figures: &[Figure], name: &str) -> f64 {
    figures.iter().find(|(variant, _)| variant == name).map_or(f64::NAN, |(_, figure)| *figure)
}

/// The ratio or difference of ours to theirs, the target, and whether it is reached.
fn judge(target: Target, ours: f64, theirs: f64) -> [String; 3] {
    let (ratio, difference) = (ours / theirs, ours - theirs);
    match target {
        Target::AtMost(most) => [format!("{ratio:.3} x"), format!("≤ {most:.2} x"), say(ratio <= most)],
        Target::Below(limit) => [format!("{ratio:.3} x"), format!("< {limit:.2} x"), say(ratio < limit)],
        Target::Plus(most) => [format!("{difference:+}"), format!("≤ +{most}"), say(difference <= most)],
        Target::Ratio => [format!("{ratio:.3} x"), String::new(), String::new()],
        Target::Difference => [format!("{difference:+}"), String::new(), String::new()],
    }
}

fn say(reached: bool) -> String {
    if reached { "yes" } else { "**no**" }.to_owned()
}

/// Rounds to three digits, which is more precise than the measurement.
fn number(figure: f64) -> String {
    let decimals = if figure.abs() < 10.0 { 2 } else { usize::from(figure.abs() < 100.0) };
    format!("{figure:.decimals$}")
}

fn print_line([what, ours, beside, theirs, relation, target, reached]: [String; 7]) {
    println!(
        "| {what:<34} | {ours:>17} | {beside:<31} | {theirs:>9} | {relation:>14} | {target:>9} | {reached:<7} |"
    );
}
