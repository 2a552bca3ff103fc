//! The guide lists what is recorded.

use a2a_otel::metrics::InstrumentKind;
use a2a_otel::semconv::metrics::{self, BuiltIn};

const GUIDE: &str = include_str!("../../../docs/metrics.md");

fn line(row: &BuiltIn) -> String {
    let kind = match row.kind {
        InstrumentKind::UpDownCounter => "up-down counter".to_owned(),
        kind => kind.to_string(),
    };
    let labels: Vec<_> = row.labels.iter().map(|label| format!("`{label}`")).collect();
    format!("| `{}` | {kind} | `{}` | {} | {} |", row.name, row.unit, labels.join(", "), row.question)
}

#[test]
fn the_guide_lists_every_metric() {
    let missing: Vec<_> =
        metrics::all().map(line).filter(|line| !GUIDE.lines().any(|one| one == line)).collect();
    assert!(missing.is_empty(), "docs/metrics.md should have these lines:\n{}", missing.join("\n"));
    let is_row =
        |line: &&str| line.starts_with("| `") && line.matches(" | ").count() == 4 && line.ends_with("? |");
    assert_eq!(
        GUIDE.lines().filter(is_row).count(),
        metrics::all().count(),
        "a line is in no table of the code"
    );
}
