//! Reads JSON about the tokens and the costs of a call.

use serde_json::{Map, Value as Json};

use crate::semconv::foreign::{DETAILS, Detail, TOTAL, WHOLES};

/// The numbers, by the keys below `llm.token_count` or `llm.cost`.
pub(super) fn read(json: &Json) -> Vec<(&'static str, f64)> {
    let Some(object) = json.as_object() else { return Vec::new() };
    let number = |Detail { key, paths }: &Detail| {
        let (path, number) = paths.iter().find_map(|path| Some((*path, at(json, path)?)))?;
        Some((*key, if WHOLES.contains(&path) { whole(object, path, number) } else { number }))
    };
    DETAILS.iter().filter_map(number).collect()
}

fn at(json: &Json, path: &str) -> Option<f64> {
    path.split('.').try_fold(json, |json, name| json.get(name))?.as_f64()
}

/// A side with all its parts: in Langfuse, the numbers are apart from each other. Some libraries give numbers that include
/// their parts: then the total is the sum of the sides.
fn whole(object: &Map<String, Json>, side: &str, own: f64) -> f64 {
    let number = |name: &str| object.get(name).and_then(Json::as_f64);
    let sides: f64 = WHOLES.iter().filter_map(|side| number(side)).sum();
    let parts = object.iter().filter(|(name, _)| *name != side && name.contains(side));
    let parts: f64 = parts.filter_map(|(_, value)| value.as_f64()).sum();
    let includes_parts = number(TOTAL).is_some_and(|total| (total - sides).abs() <= total.abs() * 1e-9);
    if includes_parts { own } else { own + parts }
}
