//! A dashboard as Grafana stores it, as far as these dashboards use it.
//!
//! Source: the types of the npm package `@grafana/schema`, version 13.2, with which the tests check the files.

use serde::Serialize;
use serde_json::Value;

/// The version of these types: that of Grafana 12 and 13.
pub(super) const SCHEMA_VERSION: u32 = 42;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Dashboard {
    pub(super) title: String,
    pub(super) description: String,
    pub(super) uid: String,
    pub(super) schema_version: u32,
    pub(super) tags: Vec<String>,
    /// Changes in Grafana would be lost with the next generation.
    pub(super) editable: bool,
    /// 1: a shared crosshair.
    pub(super) graph_tooltip: u8,
    pub(super) time: Range,
    pub(super) refresh: &'static str,
    pub(super) timezone: &'static str,
    pub(super) links: Vec<Link>,
    pub(super) templating: List<Variable>,
    pub(super) panels: Vec<Item>,
}

#[derive(Serialize)]
pub(super) struct Range {
    pub(super) from: &'static str,
    pub(super) to: &'static str,
}

#[derive(Serialize)]
pub(super) struct List<T> {
    pub(super) list: Vec<T>,
}

/// A link at the top of a dashboard.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "Grafana's schema has them")]
pub(super) struct Link {
    pub(super) title: &'static str,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) icon: &'static str,
    pub(super) tooltip: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) url: Option<&'static str>,
    pub(super) tags: Vec<&'static str>,
    pub(super) as_dropdown: bool,
    pub(super) include_vars: bool,
    pub(super) keep_time: bool,
    pub(super) target_blank: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Variable {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) description: &'static str,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) query: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) datasource: Option<Source>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) current: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) all_value: Option<&'static str>,
    pub(super) include_all: bool,
    pub(super) multi: bool,
    /// 2: when the time range changes.
    pub(super) refresh: u8,
    /// 1: by alphabet.
    pub(super) sort: u8,
}

#[derive(Clone, Serialize)]
pub(super) struct Source {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) uid: &'static str,
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Item {
    Row(Row),
    Panel(Box<Panel>),
}

/// A heading.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Row {
    pub(super) id: u32,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) title: String,
    pub(super) grid_pos: Position,
    pub(super) collapsed: bool,
    pub(super) panels: [(); 0],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Panel {
    pub(super) id: u32,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) grid_pos: Position,
    pub(super) datasource: Source,
    pub(super) targets: Vec<Target>,
    pub(super) field_config: FieldConfig,
    pub(super) options: Value,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) transformations: Vec<Value>,
}

#[derive(Clone, Copy, Serialize)]
pub(super) struct Position {
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) w: u32,
    pub(super) h: u32,
}

/// A query.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Target {
    pub(super) ref_id: String,
    pub(super) datasource: Source,
    pub(super) editor_mode: &'static str,
    pub(super) expr: String,
    pub(super) legend_format: String,
    pub(super) format: &'static str,
    pub(super) instant: bool,
    pub(super) range: bool,
    pub(super) exemplar: bool,
}

#[derive(Serialize)]
pub(super) struct FieldConfig {
    pub(super) defaults: Defaults,
    pub(super) overrides: Vec<Value>,
}

#[derive(Serialize)]
pub(super) struct Defaults {
    pub(super) unit: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) min: Option<f64>,
    pub(super) custom: Value,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) links: Vec<Value>,
}
