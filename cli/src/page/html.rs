//! The pages around the panels. What is put in is escaped by `maud`.

use std::io;

use maud::{DOCTYPE, Markup, html};

use super::ask::{Answered, Answers, Choice, Settings};
use super::dashboard::{Dashboard, Folder, Panel};
use super::draw::{Drawing, draw};
use super::request::{LAST, REFRESH, Request, Time};
use super::time::shortest;
use super::unit::Unit;
use crate::write::HEADER;

/// How many values of a variable can be chosen.
const CHOICES: usize = 200;

/// The beginning of a text, on one line.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    let visible = text.chars().map(|letter| if letter.is_control() { '␤' } else { letter });
    let mut short: String = visible.take(most).collect();
    if text.chars().nth(most).is_some() {
        short.pop();
        short.push('…');
    }
    short
}

/// What all pages have.
struct Frame<'a> {
    title: &'a str,
    /// Reloads the page, in seconds.
    refresh: u32,
    /// Links at the top.
    links: Markup,
}

impl Frame<'_> {
    fn page(&self, main: &Markup) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (self.title) " · a2a-otel" }
                    link rel="icon" href="/icon.svg" type="image/svg+xml";
                    link rel="stylesheet" href="/style.css";
                    @if self.refresh > 0 {
                        script src="/refresh.js" data-seconds=(self.refresh) defer {}
                        noscript { meta http-equiv="refresh" content=(self.refresh); }
                    }
                }
                body {
                    a.skip href="#main" { "Skip to the content" }
                    header { nav aria-label="Dashboards" { (self.links) } }
                    main id="main" tabindex="-1" { (main) }
                }
            }
        }
    }
}

/// Links to all dashboards.
fn links(dashboards: &[Dashboard], current: Option<&str>, query: &str, phoenix: &str) -> Markup {
    html! {
        a.home href="/" { "a2a-otel" }
        ul {
            @for one in dashboards {
                @let address = address(&one.uid, query);
                li {
                    @if current == Some(one.uid.as_str()) {
                        a href=(address) aria-current="page" { (shortened(&one.title, 60)) }
                    } @else {
                        a href=(address) { (shortened(&one.title, 60)) }
                    }
                }
            }
            li.outside { a href=(phoenix) target="_blank" rel="noreferrer" { "Phoenix ↗" span.hidden { " (new tab)" } } }
        }
    }
}

fn address(uid: &str, query: &str) -> String {
    let uid: String = form_urlencoded::byte_serialize(uid.as_bytes()).collect();
    let uid = uid.replace('+', "%20");
    if query.is_empty() { format!("/d/{uid}") } else { format!("/d/{uid}?{query}") }
}

/// A dashboard's description. Only whoever edits it has to know that it is generated.
fn described(dashboard: &Dashboard) -> String {
    shortened(dashboard.description.replace(HEADER, "").trim(), 300)
}

/// All dashboards of the folder.
pub(crate) fn index(settings: &Settings, folder: &io::Result<Folder>) -> Markup {
    overview(settings, folder, "Dashboards", &html! {})
}

/// The page for an address that leads nowhere.
pub(crate) fn missing(settings: &Settings, folder: &io::Result<Folder>) -> Markup {
    let note = html! { p.fault { "There is no page at this address. These are the dashboards:" } };
    overview(settings, folder, "Not found", &note)
}

fn overview(settings: &Settings, folder: &io::Result<Folder>, title: &str, note: &Markup) -> Markup {
    let dashboards = folder.as_ref().map_or(&[][..], |it| &it.dashboards);
    let main = html! {
        h1 { (title) }
        (note)
        @match folder {
            Err(error) => p.fault {
                (settings.folder.display()) ": " (error) ". Write the dashboards again with `a2a-otel generate`."
            },
            Ok(folder) => {
                @for broken in &folder.broken { p.fault { (broken.file) ": " (broken.reason) "." } }
                @if folder.dashboards.is_empty() {
                    p.empty { (settings.folder.display()) " has no dashboards. Write them with `a2a-otel generate`." }
                }
            }
        }
        ul.cards {
            @for one in dashboards {
                li { a href=(address(&one.uid, "")) { (shortened(&one.title, 80)) } p { (with_code(&described(one))) } }
            }
        }
        footer { p { "Metrics from " (settings.prometheus.shown) ", traces from " (settings.phoenix) "." } }
    };
    Frame { title, refresh: 0, links: links(dashboards, None, "", &settings.phoenix) }.page(&main)
}

/// A dashboard.
pub(crate) fn dashboard(
    settings: &Settings,
    all: &[Dashboard],
    dashboard: &Dashboard,
    request: &Request,
    answers: &Answers<'_>,
) -> Markup {
    let known = answers.choices.iter().flat_map(|choice| {
        let selected = choice.values.iter().filter(|(_, selected)| *selected);
        selected.map(|(value, _)| (choice.variable.name.as_str(), value.as_str()))
    });
    let query = request.query(known);
    let (from, to) = (settings.clock.full(answers.start), settings.clock.full(answers.end));
    let main = html! {
        div.title {
            h1 { (shortened(&dashboard.title, 80)) }
            p { (with_code(&described(dashboard))) }
        }
        (form(settings, request, answers))
        @for note in &request.notes { p.note role="status" { (note) } }
        @for choice in answers.choices.iter().filter(|choice| choice.unknown > 0) {
            p.note role="status" {
                (choice.unknown) " selected in " (label(choice)) " have no series in this time."
            }
        }
        @match &answers.fault {
            Some(fault) => p.fault role="alert" { (fault) },
            None => (sections(settings, dashboard, answers)),
        }
        footer {
            p { (from) " to " (to) ", " (settings.clock.name()) ". Metrics from " (settings.prometheus.shown) "." }
        }
    };
    let links = links(all, Some(&dashboard.uid), &query, &settings.phoenix);
    Frame { title: &shortened(&dashboard.title, 80), refresh: request.refresh, links }.page(&main)
}

fn label(choice: &Choice<'_>) -> String {
    let label = choice.variable.label.as_deref().filter(|label| !label.is_empty());
    shortened(label.unwrap_or(&choice.variable.name), 40)
}

/// Time, variables and refresh.
fn form(settings: &Settings, request: &Request, answers: &Answers<'_>) -> Markup {
    let clock = &settings.clock;
    let between = matches!(request.time, Time::Between(..));
    html! {
        form.toolbar method="get" aria-label="What is shown" {
            div.field {
                label for="last" { "Time" }
                select id="last" name="last" {
                    @if between { option value="" selected { "as below" } }
                    @for (seconds, name) in times(request) {
                        option value=(format!("now-{}", shortest(seconds))) selected[request.time == Time::Last(seconds)] {
                            "Last " (name)
                        }
                    }
                }
            }
            @for choice in &answers.choices { (choose(choice)) }
            div.field {
                label for="refresh" { "Refresh" }
                select id="refresh" name="refresh" {
                    @for (seconds, name) in REFRESH {
                        option value=(format!("{seconds}s")) selected[request.refresh == seconds] { (name) }
                    }
                }
            }
            details.between open[between] {
                summary { "Between two times" }
                div {
                    label for="from" { "From" }
                    input id="from" name="from" type="datetime-local" value=(clock.field(answers.start));
                    label for="to" { "To" }
                    input id="to" name="to" type="datetime-local" value=(clock.field(answers.end));
                    button type="submit" name="last" value="" { "Show these" }
                }
            }
            button type="submit" { "Show" }
        }
    }
}

/// The times to choose from, and that of the address if it is another one.
fn times(request: &Request) -> Vec<(u32, String)> {
    let mut times: Vec<_> = LAST.iter().map(|(seconds, name)| (*seconds, (*name).to_owned())).collect();
    if let Time::Last(seconds) = request.time
        && !times.iter().any(|(known, _)| *known == seconds)
    {
        times.push((seconds, shortest(seconds)));
        times.sort_unstable();
    }
    times
}

/// A variable: a box for each value; none is all.
fn choose(choice: &Choice<'_>) -> Markup {
    let label = label(choice);
    let name = format!("var-{}", choice.variable.name);
    let selected: Vec<_> = choice.values.iter().filter(|(_, selected)| *selected).collect();
    let shown = match selected.as_slice() {
        [] => "all".to_owned(),
        [(one, _)] => shortened(one, 30),
        several => format!("{} of {}", several.len(), choice.values.len()),
    };
    html! {
        details.choice {
            summary { span.label { (label) } " " b { (shown) } }
            fieldset {
                legend { (label) ": " (choice.variable.description.as_deref().unwrap_or_default()) ". With none, all." }
                @for (value, selected) in choice.values.iter().take(CHOICES) {
                    label { input type="checkbox" name=(name) value=(value) checked[*selected]; " " (shortened(value, 60)) }
                }
                // What is selected stays selected, even if there is no room for it.
                @for (value, _) in choice.values.iter().skip(CHOICES).filter(|(_, selected)| *selected) {
                    label { input type="checkbox" name=(name) value=(value) checked; " " (shortened(value, 60)) }
                }
                @if choice.values.len() > CHOICES {
                    p.more { (choice.values.len() - CHOICES) " more, which are shown with all." }
                }
                @if choice.values.is_empty() { p.more { "There are no values in this time." } }
            }
        }
    }
}

fn sections(settings: &Settings, dashboard: &Dashboard, answers: &Answers<'_>) -> Markup {
    let sections = dashboard.sections();
    let mut panels = answers.panels.iter();
    let titled = sections.iter().enumerate().filter(|(_, section)| !section.title.is_empty());
    html! {
        nav.sections aria-label="Sections" {
            ul { @for (place, section) in titled { li { a href=(format!("#section-{place}")) { (shortened(section.title, 60)) } } } }
        }
        @for (place, section) in sections.iter().enumerate() {
            section id=(format!("section-{place}")) {
                @if !section.title.is_empty() { h2 { (shortened(section.title, 80)) } }
                div.grid {
                    @for answered in panels.by_ref().take(section.panels.len()) {
                        (panel(settings, answered, is_alone(answered.panel, &section.panels)))
                    }
                }
            }
        }
    }
}

fn panel(settings: &Settings, answered: &Answered<'_>, alone: bool) -> Markup {
    let panel: &Panel = answered.panel;
    let unit = Unit::find(&panel.field_config.defaults.unit);
    let heading = format!("panel-{}", panel.id);
    let name = unit.name.clone();
    let drawing = Drawing { answered, settings, unit };
    html! {
        article.panel.{ "w" (if alone { 24 } else { width(panel) }) }.(kind(panel)) aria-labelledby=(heading) {
            div.head {
                h3 id=(heading) { (shortened(&panel.title, 120)) }
                @if panel.kind != "table" { span.unit { (shortened(&name, 30)) } }
            }
            @if !panel.description.is_empty() { p.description { (with_code(&shortened(&panel.description, 400))) } }
            (draw(&drawing))
        }
    }
}

/// Whether a panel has its row for itself. It is drawn over the whole width, unless it is a number.
fn is_alone(panel: &Panel, section: &[&Panel]) -> bool {
    let row = section.iter().filter(|other| other.grid_pos.y == panel.grid_pos.y);
    panel.kind != "stat" && row.count() == 1
}

/// Text in which backticks enclose names.
fn with_code(text: &str) -> Markup {
    html! {
        @for (place, part) in text.split('`').enumerate() {
            @if place % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// A width that the style knows, of 24.
fn width(panel: &Panel) -> u32 {
    match panel.grid_pos.w {
        1..=6 => 6,
        7..=8 => 8,
        0 | 9..=12 => 12,
        13..=16 => 16,
        _ => 24,
    }
}

fn kind(panel: &Panel) -> &'static str {
    if panel.kind == "stat" { "small" } else { "large" }
}
