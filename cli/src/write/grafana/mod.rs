//! Grafana's dashboards: four tables of panels, one of which is made of the program's own metrics.

mod agents;
mod business;
mod communication;
mod errors;
mod panel;
mod schema;

use serde_json::{Value, json};

use self::panel::{Draft, SOURCE, Spec};
use self::schema::{Dashboard, Item, Link, List, Position, Range, Row, SCHEMA_VERSION, Variable};
use super::{Choices, File, HEADER};
use crate::message::Failure;
use crate::model::Model;

/// The tag of every dashboard, by which they link to each other.
const TAG: &str = "a2a-otel";

/// The width of Grafana's grid.
const WIDTH: u32 = 24;

/// Panels below a heading.
struct Section {
    title: &'static str,
    panels: &'static [Spec],
}

/// A dashboard: its file, and what it is for.
struct About {
    path: &'static str,
    uid: &'static str,
    title: &'static str,
    description: &'static str,
}

pub(super) fn files(model: &Model, choices: &Choices) -> Result<Vec<File>, Failure> {
    let fixed = [
        (agents::ABOUT, agents::SECTIONS),
        (communication::ABOUT, communication::SECTIONS),
        (errors::ABOUT, errors::SECTIONS),
    ];
    let mut files = Vec::new();
    for (about, sections) in fixed {
        let drafts = sections.iter().map(|section| {
            let panels = section.panels.iter().filter_map(|panel| panel.draft(model, choices.objective));
            (section.title.to_owned(), panels.collect())
        });
        files.push(file(&about, drafts.collect())?);
    }
    files.push(file(&business::ABOUT, business::sections(model))?);
    Ok(files)
}

/// A dashboard with these sections. Those without panels are left out.
fn file(about: &About, sections: Vec<(String, Vec<Draft>)>) -> Result<File, Failure> {
    let dashboard = Dashboard {
        title: about.title.to_owned(),
        description: format!("{} {HEADER}", about.description),
        uid: about.uid.to_owned(),
        schema_version: SCHEMA_VERSION,
        tags: vec![TAG.to_owned()],
        editable: false,
        graph_tooltip: 1,
        time: Range { from: "now-1h", to: "now" },
        refresh: "30s",
        timezone: "browser",
        links: links(),
        templating: List { list: variables() },
        panels: arranged(sections),
    };
    let text = serde_json::to_string_pretty(&dashboard)
        .map_err(|error| Failure::Format { file: about.path.to_owned(), error: error.to_string() })?;
    Ok(File { path: about.path, content: text + "\n" })
}

/// Places panels from left to right, and headings on lines of their own.
fn arranged(sections: Vec<(String, Vec<Draft>)>) -> Vec<Item> {
    let mut items = Vec::new();
    let mut id = 0;
    let mut next = || {
        id += 1;
        id
    };
    let mut y = 0;
    for (title, drafts) in sections.into_iter().filter(|(_, drafts)| !drafts.is_empty()) {
        let grid_pos = Position { x: 0, y, w: WIDTH, h: 1 };
        items.push(Item::Row(Row { id: next(), kind: "row", title, grid_pos, collapsed: false, panels: [] }));
        y += 1;
        let (mut x, mut line) = (0, 0);
        for draft in drafts {
            let (w, h) = draft.look.size();
            // A line has panels of one height.
            if x + w > WIDTH || x > 0 && h != line {
                (x, y) = (0, y + line);
            }
            items.push(Item::Panel(Box::new(draft.place(next(), Position { x, y, w, h }))));
            (x, line) = (x + w, h);
        }
        y += line;
    }
    items
}

fn links() -> Vec<Link> {
    let others = Link {
        title: "Agents",
        kind: "dashboards",
        icon: "external link",
        tooltip: "The other dashboards of the agents",
        url: None,
        tags: vec![TAG],
        as_dropdown: false,
        include_vars: true,
        keep_time: true,
        target_blank: false,
    };
    let phoenix = Link {
        title: "Phoenix",
        kind: "link",
        tooltip: "The traces",
        url: Some("${phoenix}"),
        tags: Vec::new(),
        include_vars: false,
        keep_time: false,
        target_blank: true,
        ..others
    };
    vec![others, phoenix]
}

fn variables() -> Vec<Variable> {
    let values = |name, label, description, of: &str| Variable {
        name,
        label,
        description,
        kind: "query",
        query: json!({ "query": format!("label_values({of})"), "refId": format!("variable-{name}") }),
        datasource: Some(SOURCE),
        current: Some(json!({ "selected": true, "text": ["All"], "value": ["$__all"] })),
        all_value: Some(".*"),
        include_all: true,
        multi: true,
        refresh: 2,
        sort: 1,
    };
    let single = |name, label, description, kind, query, current| Variable {
        name,
        label,
        description,
        kind,
        query,
        datasource: None,
        current,
        all_value: None,
        include_all: false,
        multi: false,
        refresh: 1,
        sort: 0,
    };
    let phoenix = "http://localhost:6006";
    let current: Value = json!({ "selected": true, "text": phoenix, "value": phoenix });
    vec![
        single("datasource", "Data source", "The Prometheus to ask", "datasource", json!("prometheus"), None),
        values("service", "Service", "The programs to show, by their service.name", "service_name"),
        values("agent", "Agent", "The agents to show, where a program has several", "gen_ai_agent_name"),
        single("phoenix", "Phoenix", "Where the traces are", "textbox", json!(phoenix), Some(current)),
    ]
}
