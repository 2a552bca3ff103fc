//! Panels: what a table says of one, and how it looks.

use serde_json::{Value, json};

use super::schema::{Defaults, FieldConfig, Panel, Position, Source, Target};
use crate::model::Model;
use crate::promql::fill;

/// The data source that is selected at the top of the dashboard.
pub(super) const SOURCE: Source = Source { kind: "prometheus", uid: "${datasource}" };

/// The attribute of an exemplar that has the id of its trace.
const TRACE_ID: &str = "trace_id";

/// How a panel looks.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Look {
    /// A single number.
    Number,
    /// Lines over time.
    Lines,
    /// Stacked areas over time.
    Stack,
    /// Quantiles over time, with exemplars that lead to traces.
    Quantiles,
    /// How many values lie where, over time.
    Heatmap,
    /// One row for each combination of labels, one column for each query.
    Table,
    /// Nodes and the edges between them: a query for the edges, and one for the nodes. Grafana knows them by their fields, so
    /// their labels have to be called `id`, `source` and `target`, or `id` and `title`.
    Graph,
}

/// A panel of a table. Its queries name metrics as `promql` describes; a query of a metric that nobody records is left
/// out, and so is a panel without queries.
pub(super) struct Spec {
    /// A question, or a plain noun.
    pub(super) title: &'static str,
    pub(super) description: &'static str,
    /// As Grafana names it.
    pub(super) unit: &'static str,
    pub(super) look: Look,
    pub(super) queries: &'static [Query],
}

/// A query of a table: its legend, or the column's name in a table; its text; and the column's unit.
pub(super) type Query = (&'static str, &'static str, &'static str);

/// A panel without its place.
#[derive(Clone)]
pub(super) struct Draft {
    pub(super) title: String,
    pub(super) description: String,
    pub(super) unit: String,
    pub(super) look: Look,
    pub(super) queries: Vec<DraftQuery>,
}

#[derive(Clone)]
pub(super) struct DraftQuery {
    pub(super) legend: String,
    pub(super) expr: String,
    /// The unit of the column, if it has another one than the panel.
    pub(super) unit: &'static str,
}

impl DraftQuery {
    pub(super) fn new(legend: impl Into<String>, expr: impl Into<String>) -> Self {
        Self { legend: legend.into(), expr: expr.into(), unit: "" }
    }
}

impl Spec {
    /// Fills the queries in.
    pub(super) fn draft(&self, model: &Model, objective: f64) -> Option<Draft> {
        let queries = self.queries.iter().filter_map(|(legend, query, unit)| {
            Some(DraftQuery { legend: (*legend).to_owned(), expr: fill(query, model, objective)?, unit })
        });
        let queries: Vec<_> = queries.collect();
        (!queries.is_empty()).then(|| Draft {
            title: self.title.to_owned(),
            description: self.description.to_owned(),
            unit: self.unit.to_owned(),
            look: self.look,
            queries,
        })
    }
}

impl Look {
    /// Width and height, of a grid that is 24 wide.
    pub(super) const fn size(self) -> (u32, u32) {
        match self {
            Self::Number => (6, 4),
            Self::Lines | Self::Stack | Self::Quantiles | Self::Heatmap => (12, 8),
            Self::Table => (24, 9),
            Self::Graph => (24, 12),
        }
    }

    const fn plugin(self) -> &'static str {
        match self {
            Self::Number => "stat",
            Self::Lines | Self::Stack | Self::Quantiles => "timeseries",
            Self::Heatmap => "heatmap",
            Self::Table => "table",
            Self::Graph => "nodeGraph",
        }
    }

    /// Whether it shows the values of one moment, as a table has them.
    const fn is_of_a_moment(self) -> bool {
        matches!(self, Self::Table | Self::Graph)
    }

    fn options(self) -> Value {
        match self {
            Self::Number => json!({
                "colorMode": "value",
                "graphMode": "area",
                "reduceOptions": { "calcs": ["lastNotNull"], "fields": "", "values": false },
                "textMode": "auto",
            }),
            Self::Lines | Self::Stack | Self::Quantiles => json!({
                "legend": { "calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": true },
                "tooltip": { "mode": "multi", "sort": "desc" },
            }),
            Self::Heatmap => json!({
                "calculate": false,
                "cellGap": 1,
                "color": { "exponent": 0.5, "mode": "scheme", "scheme": "Oranges", "steps": 64 },
                "legend": { "show": true },
                "tooltip": { "mode": "single", "yHistogram": true },
                "yAxis": { "axisPlacement": "left", "reverse": false, "unit": "s" },
            }),
            Self::Table => json!({ "cellHeight": "sm", "showHeader": true }),
            Self::Graph => json!({
                "edges": { "mainStatUnit": "reqps" },
                "nodes": { "mainStatUnit": "reqps" },
                "zoomMode": "cooperative",
            }),
        }
    }

    fn custom(self) -> Value {
        match self {
            Self::Lines | Self::Quantiles => json!({ "fillOpacity": 10, "showPoints": "never" }),
            Self::Stack => json!({
                "fillOpacity": 40,
                "showPoints": "never",
                "stacking": { "group": "A", "mode": "normal" },
            }),
            Self::Table => json!({ "align": "auto", "filterable": true }),
            Self::Number | Self::Heatmap | Self::Graph => json!({}),
        }
    }

    const fn format(self) -> &'static str {
        match self {
            Self::Heatmap => "heatmap",
            Self::Table | Self::Graph => "table",
            _ => "time_series",
        }
    }
}

impl Draft {
    /// The panel at its place.
    pub(super) fn place(&self, id: u32, grid_pos: Position) -> Panel {
        let look = self.look;
        let targets = self.queries.iter().enumerate().map(|(index, query)| Target {
            ref_id: ref_id(index),
            datasource: SOURCE,
            editor_mode: "code",
            expr: query.expr.clone(),
            legend_format: if look.is_of_a_moment() { String::new() } else { query.legend.clone() },
            format: look.format(),
            instant: look.is_of_a_moment(),
            range: !look.is_of_a_moment(),
            exemplar: look == Look::Quantiles,
        });
        Panel {
            id,
            kind: look.plugin(),
            title: self.title.clone(),
            description: self.description.clone(),
            grid_pos,
            datasource: SOURCE,
            targets: targets.collect(),
            field_config: FieldConfig {
                defaults: Defaults {
                    unit: self.unit.clone(),
                    min: matches!(look, Look::Stack | Look::Quantiles).then_some(0.0),
                    custom: look.custom(),
                    links: if look == Look::Quantiles { vec![link_to_trace()] } else { Vec::new() },
                },
                overrides: if look == Look::Table { self.columns() } else { Vec::new() },
            },
            options: look.options(),
            transformations: match look {
                Look::Table => self.joined(),
                Look::Graph => self.graph(),
                _ => Vec::new(),
            },
        }
    }

    /// The units of a table's columns.
    fn columns(&self) -> Vec<Value> {
        let queries = self.queries.iter().filter(|query| !query.unit.is_empty());
        let columns = queries.map(|query| {
            json!({
                "matcher": { "id": "byName", "options": query.legend },
                "properties": [{ "id": "unit", "value": query.unit }],
            })
        });
        columns.collect()
    }

    /// Joins the queries' results to one table, with their legends as the names of columns.
    fn joined(&self) -> Vec<Value> {
        let legends = self.queries.iter().map(|query| Value::from(query.legend.clone()));
        let names = (0..).map(|index| self.column(index)).zip(legends);
        let labels = self.labels().map(|(label, shown)| (label.to_owned(), Value::from(shown)));
        let renamed: serde_json::Map<_, _> = labels.into_iter().chain(names).collect();
        vec![
            json!({ "id": "merge", "options": {} }),
            json!({ "id": "organize", "options": { "excludeByName": { "Time": true }, "renameByName": renamed } }),
        ]
    }

    /// What the columns of labels are called. Only a table that has both labels is one of calls.
    fn labels(&self) -> [(&'static str, &'static str); 2] {
        let [service, agent] = ["service_name", "gen_ai_agent_name"];
        let has = |label| self.queries.iter().any(|query| query.expr.contains(label));
        if has(service) && has(agent) {
            [(service, "caller"), (agent, "peer")]
        } else {
            [(service, "service"), (agent, "agent")]
        }
    }

    /// Names the values of edges and nodes as Grafana's node graph looks for them.
    ///
    /// Source: <https://grafana.com/docs/grafana/latest/panels-visualizations/visualizations/node-graph/#data-api>.
    fn graph(&self) -> Vec<Value> {
        let names = (0..self.queries.len()).map(|index| (self.column(index), Value::from("mainstat")));
        let renamed: serde_json::Map<_, _> = names.collect();
        let options = json!({ "excludeByName": { "Time": true }, "renameByName": renamed });
        vec![json!({ "id": "organize", "options": options })]
    }

    /// What Grafana calls the values of a query in a table.
    fn column(&self, index: usize) -> String {
        if self.queries.len() == 1 { "Value".to_owned() } else { format!("Value #{}", ref_id(index)) }
    }
}

/// `A`, `B` and so on. No panel has more than 26 queries.
fn ref_id(index: usize) -> String {
    (b'A'..=b'Z').map(char::from).nth(index).unwrap_or('Z').to_string()
}

/// Leads from an exemplar to its trace in Phoenix.
fn link_to_trace() -> Value {
    json!({
        "targetBlank": true,
        "title": "Trace in Phoenix",
        "url": format!("${{phoenix}}/redirects/traces/${{__data.fields.{TRACE_ID}}}"),
    })
}
