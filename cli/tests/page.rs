//! The pages of `a2a-otel dashboards` in a real browser, with the values of a real Prometheus.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::sync::OnceLock;

use serde_json::Value;
use support::browser::Browser;
use support::pages::Pages;
use support::prometheus::{Server, TRACE, exposition, series, serve};
use support::services::require;
use support::{marketplace, workspace};

const DASHBOARDS: [(&str, &str); 4] = [
    ("agent-performance", "a2a-otel-agents"),
    ("a2a-communication", "a2a-otel-communication"),
    ("business", "a2a-otel-business"),
    ("errors", "a2a-otel-errors"),
];

/// How many series a chart has.
const MOST: usize = 16;

/// What the page's variables are in queries. Rates are over four times the distance of scrapes.
const VARIABLES: [(&str, &str); 4] =
    [("$__rate_interval", "4s"), ("$__range", "300s"), ("$service", ".*"), ("$agent", ".*")];

/// What a page shows of each panel.
const PANELS: &str = "[...document.querySelectorAll('article.panel')].map(panel => ({
    title: panel.querySelector('h3').textContent,
    description: panel.querySelector('.description')?.textContent ?? '',
    unit: panel.querySelector('.unit')?.textContent ?? '',
    empty: !!panel.querySelector('.empty, .fault'),
    legend: [...panel.querySelectorAll('.legend .name')].map(it => it.title || it.textContent),
    values: [...panel.querySelectorAll('.legend b')].map(it => it.textContent),
    lines: [...panel.querySelectorAll('.plot path.line')].filter(it => it.getAttribute('d').length > 20).length,
    numbers: [...panel.querySelectorAll('.number')].map(it => it.textContent),
    cells: panel.querySelectorAll('rect.cell').length,
    rows: panel.querySelectorAll('tbody tr').length,
    matrix: panel.querySelectorAll('.matrix td .main').length,
    links: [...panel.querySelectorAll('a.exemplar')].map(it => it.getAttribute('href')),
}))";

/// A Prometheus for all tests, which has metrics with two values of each label.
fn live() -> Option<&'static Server> {
    static LIVE: OnceLock<Option<Server>> = OnceLock::new();
    LIVE.get_or_init(|| {
        let metrics = marketplace().metrics().to_vec();
        let agent = serve(move |scrape| exposition(&metrics, scrape));
        let server = require("Prometheus", Server::start(agent))?;
        server.wait_for_values();
        Some(server)
    })
    .as_ref()
}

fn browser() -> Option<Browser> {
    require("Chromium", Browser::start())
}

fn pages(live: &Server) -> Pages {
    Pages::start(&live.url, &["--scrape-interval", "1s", "--phoenix", "http://127.0.0.1:6007"])
}

/// A page of the last five minutes that stays as it is.
fn path(uid: &str) -> String {
    format!("/d/{uid}?from=now-5m&to=now&refresh=0s")
}

fn file(name: &str) -> Value {
    let path = workspace().join(format!("deploy/grafana/{name}.json"));
    serde_json::from_str(&fs::read_to_string(path).expect("a dashboard")).expect("JSON")
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

#[test]
fn every_panel_is_drawn_with_its_series() {
    let (Some(live), Some(mut browser)) = (live(), browser()) else { return };
    let pages = pages(live);
    let mut drawn = 0;
    for (name, uid) in DASHBOARDS {
        browser.open(&format!("{}{}", pages.url, path(uid)));
        let shown = browser.evaluate(PANELS);
        let shown = shown.as_array().expect("panels");
        let dashboard = file(name);
        let panels = dashboard["panels"].as_array().expect("panels").iter();
        let panels: Vec<_> = panels.filter(|panel| panel["type"] != "row").collect();
        assert_eq!(shown.len(), panels.len(), "{name}");
        for (panel, shown) in panels.into_iter().zip(shown) {
            check(live, panel, shown);
            drawn += 1;
        }
    }
    assert!(drawn > 90, "only {drawn} panels");
    assert_eq!(browser.reports, Vec::<String>::new(), "what the browser complains about");
}

/// Checks what is shown of a panel against its file and Prometheus.
fn check(live: &Server, panel: &Value, shown: &Value) {
    let title = text(panel, "title");
    assert_eq!(text(shown, "title"), title);
    assert_eq!(text(shown, "description"), text(panel, "description").replace('`', ""), "{title}");
    assert_eq!(shown["empty"], false, "{title} has no values: {shown:#}");
    let count = |key: &str| shown[key].as_u64().expect("a count");
    match text(panel, "type") {
        "timeseries" => check_lines(live, panel, shown),
        "stat" => {
            let numbers = shown["numbers"].as_array().expect("numbers");
            assert_eq!(numbers.len(), 1, "{title}: {numbers:?}");
            assert!(
                numbers[0].as_str().is_some_and(|it| it.contains(|it: char| it.is_ascii_digit())),
                "{title}: {numbers:?}"
            );
            assert!(!text(shown, "unit").is_empty(), "{title}");
        }
        // How many there are depends on the time since the first scrape.
        "heatmap" => assert!(count("cells") > 0, "{title}: {shown:#}"),
        "nodeGraph" => assert_eq!(count("rows"), edges(live, panel), "{title}: {shown:#}"),
        _ => assert!(count("rows") > 0, "{title}: {shown:#}"),
    }
}

/// How many edges a graph has.
fn edges(live: &Server, panel: &Value) -> u64 {
    let edges = panel["targets"].as_array().expect("queries").iter().flat_map(|target| answer(live, target));
    edges.filter(|one| one["metric"]["source"].is_string()).map(|_| 1).sum()
}

/// The series that a query of a panel has.
fn answer(live: &Server, target: &Value) -> Vec<Value> {
    let query = text(target, "expr").to_owned();
    let query = VARIABLES.iter().fold(query, |query, (name, value)| query.replace(name, value));
    series(&live.url, &query).expect("an answer")
}

/// A chart has a line and an entry of the legend for each series, with the names of the legend in the file.
fn check_lines(live: &Server, panel: &Value, shown: &Value) {
    let title = text(panel, "title");
    let mut expected = Vec::new();
    for target in panel["targets"].as_array().expect("queries") {
        let answer = answer(live, target);
        expected.extend(answer.iter().map(|one| legend(text(target, "legendFormat"), &one["metric"])));
    }
    let legend = shown["legend"].as_array().expect("a legend").iter().filter_map(Value::as_str);
    let legend: Vec<_> = legend.map(str::to_owned).collect();
    expected.sort();
    assert!(!text(shown, "unit").is_empty(), "{title}");
    assert_eq!(shown["lines"].as_u64().expect("a count"), legend.len() as u64, "{title}: {shown:#}");
    if expected.len() <= MOST {
        assert_eq!(legend, expected, "{title}");
    } else {
        assert_eq!(legend.len(), MOST, "{title}");
        assert!(legend.iter().all(|one| expected.contains(one)), "{title}: {legend:?}, {expected:?}");
    }
}

fn legend(format: &str, labels: &Value) -> String {
    let mut parts = format.split("{{");
    let mut name = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (label, rest) = part.split_once("}}").expect("closed");
        let missing = format!("no {}", label.replace('_', " "));
        name += labels[label].as_str().unwrap_or(&missing);
        name += rest;
    }
    name
}

#[test]
fn a_point_leads_to_its_trace_by_mouse_and_keyboard() {
    let (Some(live), Some(mut browser)) = (live(), browser()) else { return };
    let pages = pages(live);
    let expected = format!("http://127.0.0.1:6007/redirects/traces/{TRACE}");
    for (name, uid) in DASHBOARDS {
        browser.open(&format!("{}{}", pages.url, path(uid)));
        let shown = browser.evaluate(PANELS);
        let dashboard = file(name);
        let panels =
            dashboard["panels"].as_array().expect("panels").iter().filter(|panel| panel["type"] != "row");
        for (panel, shown) in panels.zip(shown.as_array().expect("panels")) {
            let targets = panel["targets"].as_array().expect("queries");
            let has = targets.iter().any(|target| target["exemplar"] == true);
            let links = shown["links"].as_array().expect("links");
            assert_eq!(!links.is_empty(), has, "{}: {links:?}", text(panel, "title"));
            assert!(links.iter().all(|link| *link == expected.as_str()), "{links:?}");
        }
    }
    browser.open(&format!("{}{}", pages.url, path("a2a-otel-agents")));
    let place = browser.evaluate(
        "(() => { const point = document.querySelector('a.exemplar circle.target');
           point.scrollIntoView({ block: 'center', behavior: 'instant' });
           const box = point.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; })()",
    );
    browser.click(place[0].as_f64().expect("a place"), place[1].as_f64().expect("a place"));
    let label = browser.evaluate(
        "(() => { const link = document.querySelectorAll('a.exemplar')[1]; link.focus();
           return document.activeElement === link ? link.getAttribute('aria-label') : ''; })()",
    );
    assert!(label.as_str().is_some_and(|it| it.contains("trace in Phoenix")), "{label}");
    browser.press("Enter", 13);
    browser.evaluate("new Promise(done => setTimeout(done, 100))");
    assert_eq!(browser.opened, [expected.as_str(), expected.as_str()]);
}

#[test]
fn the_matrix_shows_who_calls_whom() {
    let (Some(live), Some(mut browser)) = (live(), browser()) else { return };
    let pages = pages(live);
    browser.open(&format!("{}{}", pages.url, path("a2a-otel-communication")));
    let matrix = browser.evaluate(
        "[...document.querySelectorAll('.matrix tr')].map(row => [...row.children].map(cell => cell.innerText.trim()))",
    );
    assert_eq!(matrix[0][1], "one");
    assert_eq!(matrix[0][2], "other");
    assert_eq!((&matrix[1][0], &matrix[2][0]), (&"sales".into(), &"stock".into()));
    for (row, column, failing) in [(1, 1, "0% failing"), (1, 2, "100% failing"), (2, 2, "100% failing")] {
        let cell = matrix[row][column].as_str().expect("a cell");
        let lines: Vec<_> = cell.lines().collect();
        assert_eq!(lines.len(), 3, "{cell}");
        assert!(lines[0].ends_with(" calls") && lines[2].ends_with(" p95"), "{cell}");
        assert_eq!(lines[1], failing, "{cell}");
    }
}

#[test]
fn a_narrow_screen_has_all_of_it() {
    let (Some(live), Some(mut browser)) = (live(), browser()) else { return };
    let pages = pages(live);
    browser.resize(390, 844);
    for path in DASHBOARDS.map(|(_, uid)| path(uid)).iter().map(String::as_str).chain(["/"]) {
        browser.open(&format!("{}{path}", pages.url));
        let width = browser.evaluate("document.documentElement.scrollWidth");
        assert_eq!(width, 390, "{path}");
        // With everything opened, too.
        browser.evaluate("document.querySelectorAll('details').forEach(it => it.open = true)");
        let wide = browser.evaluate(
            "[...document.querySelectorAll('body *')].filter(it => !it.closest('.scroll, svg, .hidden, .skip')
               && it.getBoundingClientRect().right > 391).map(it => it.outerHTML.slice(0, 200))",
        );
        assert_eq!(wide, Value::Array(Vec::new()), "{path}");
    }
    assert_eq!(browser.reports, Vec::<String>::new());
}

#[test]
fn every_link_and_field_is_reached_by_keyboard_in_order() {
    let (Some(live), Some(mut browser)) = (live(), browser()) else { return };
    let pages = pages(live);
    browser.open(&format!("{}{}", pages.url, path("a2a-otel-communication")));
    let mark = "(() => { window.all = [...document.querySelectorAll('a[href], select, summary, button, input, [tabindex=\"0\"]')]
        .filter(it => it.checkVisibility()); return window.all.length; })()";
    let count = browser.evaluate(mark).as_u64().expect("a count");
    assert!(count > 40, "only {count}");
    for place in 0..count {
        browser.press("Tab", 9);
        let reached = browser.evaluate("window.all.indexOf(document.activeElement)");
        let what = "document.activeElement.outerHTML.slice(0, 200)";
        assert_eq!(reached, place, "{}", browser.evaluate(what));
        let named = browser.evaluate(
            "(it => (it.getAttribute('aria-label') || it.labels?.[0]?.textContent || it.textContent).trim())(document.activeElement)",
        );
        assert_ne!(named, "", "{}", browser.evaluate(what));
        // What has the focus can be seen.
        let seen = browser.evaluate(
            "(it => { const box = it.getBoundingClientRect(); return box.width > 0 && box.right > 0 && box.bottom > 0
               && box.top < innerHeight; })(document.activeElement)",
        );
        assert_eq!(seen, true, "{}", browser.evaluate(what));
    }
    // The skip link is the first.
    browser.open(&format!("{}{}", pages.url, path("a2a-otel-communication")));
    browser.press("Tab", 9);
    browser.press("Enter", 13);
    assert_eq!(browser.evaluate("location.hash + document.activeElement.id"), "#mainmain");
}

/// The contrast of two colours of the style, by WCAG 2.
const CONTRAST: &str = "(() => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const light = name => {
        canvas.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(name);
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map(it => it / 255)
            .map(it => it <= 0.04045 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const contrast = (one, other) => {
        const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
        return (high + 0.05) / (low + 0.05);
    };
    const text = ['--text', '--soft', '--accent'].flatMap(it => ['--panel', '--page'].map(on => [it, on, 4.5]));
    const notes = ['--fault-page', '--note-page', '--m1', '--m5', '--m9'].map(on => ['--text', on, 4.5]);
    const lines = [0, 1, 2, 3, 4, 5, 6, 7].map(it => ['--c' + it, '--panel', 3]);
    return [...text, ...notes, ...lines].map(([one, other, least]) => [one, other, contrast(one, other), least])
        .filter(([, , has, least]) => has < least);
})()";

/// Pairs of colours of series that look alike to someone: nearer than 20 in CIELAB, with the simulations of Machado,
/// Oliveira and Fernandes (2009) for a missing kind of cones.
const ALIKE: &str = "(() => {
    const visions = [
        [1, 0, 0, 0, 1, 0, 0, 0, 1],
        [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
        [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
        [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
    ];
    const times = (m, [r, g, b]) => [0, 3, 6].map(row => m[row] * r + m[row + 1] * g + m[row + 2] * b);
    const linear = it => it <= 0.04045 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4;
    const lab = colour => {
        const xyz = times([0.4339, 0.3762, 0.1899, 0.2126, 0.7152, 0.0722, 0.0177, 0.1095, 0.8728], colour);
        const [x, y, z] = xyz.map(it => it > 0.008856 ? Math.cbrt(it) : 7.787 * it + 16 / 116);
        return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
    };
    const style = getComputedStyle(document.documentElement);
    const colours = [0, 1, 2, 3, 4, 5, 6, 7].map(it => style.getPropertyValue('--c' + it).trim())
        .map(hex => [1, 3, 5].map(at => linear(parseInt(hex.slice(at, at + 2), 16) / 255)));
    const alike = [];
    visions.forEach((vision, kind) => {
        const seen = colours.map(it => lab(times(vision, it).map(part => Math.min(1, Math.max(0, part)))));
        seen.forEach((one, i) => seen.slice(0, i).forEach((other, j) => {
            const distance = Math.hypot(...one.map((part, at) => part - other[at]));
            if (!(distance >= 20)) alike.push([kind, j, i, distance]);
        }));
    });
    return alike;
})()";

#[test]
fn both_schemes_can_be_read() {
    let Some(mut browser) = browser() else { return };
    let pages = Pages::start("http://127.0.0.1:1", &[]);
    let mut colours = BTreeSet::new();
    for scheme in ["light", "dark"] {
        browser.scheme(scheme);
        browser.open(&format!("{}/", pages.url));
        assert_eq!(browser.evaluate(CONTRAST), Value::Array(Vec::new()), "{scheme}");
        assert_eq!(browser.evaluate(ALIKE), Value::Array(Vec::new()), "{scheme}");
        let colour = browser.evaluate("getComputedStyle(document.body).backgroundColor");
        colours.insert(colour.as_str().expect("a colour").to_owned());
    }
    assert_eq!(colours.len(), 2, "{colours:?}");
}

#[test]
fn a_selection_holds_for_the_page_and_its_links() {
    let (Some(live), Some(mut browser)) = (live(), browser()) else { return };
    let pages = pages(live);
    browser.scripts(false);
    browser.open(&format!("{}{}&var-service=sales", pages.url, path("a2a-otel-agents")));
    let shown = browser.evaluate(PANELS);
    let asked =
        shown.as_array().expect("panels").iter().find(|it| it["title"] == "How much are the agents asked?");
    assert_eq!(asked.expect("the panel")["legend"], serde_json::json!(["sales"]));
    let others =
        "[...document.querySelectorAll('header li:not(.outside) a')].map(it => it.getAttribute('href'))";
    let others = browser.evaluate(others);
    let others: Vec<_> = others.as_array().expect("links").iter().filter_map(Value::as_str).collect();
    assert_eq!(others.len(), 4);
    for link in others {
        assert!(link.ends_with("?from=now-5m&to=now&refresh=0s&var-service=sales"), "{link}");
    }
    // The form says what is selected, and sends it, without scripts.
    assert_eq!(browser.evaluate("document.querySelector('.choice b').textContent"), "sales");
    let place = browser.evaluate(
        "(it => [it.x + it.width / 2, it.y + it.height / 2])([...document.querySelectorAll('button')].at(-1).getBoundingClientRect())",
    );
    browser.click_and_load(place[0].as_f64().expect("a place"), place[1].as_f64().expect("a place"));
    let sent = browser.evaluate("location.search");
    assert!(
        sent.as_str().is_some_and(|it| it.contains("last=now-5m&var-service=sales&refresh=0s")),
        "{sent}"
    );
    assert_eq!(browser.evaluate("document.querySelector('.choice b').textContent"), "sales");
}

#[test]
fn a_page_refreshes_with_and_without_scripts() {
    let (Some(live), Some(mut browser)) = (live(), browser()) else { return };
    let pages = pages(live);
    let path = "/d/a2a-otel-errors?from=now-5m&to=now&refresh=5s";
    let address = format!("{}{path}", pages.url);
    for scripts in [true, false] {
        browser.scripts(scripts);
        browser.open(&address);
        browser.wait_for_load();
        assert_eq!(browser.evaluate("location.href"), address.as_str());
    }
    assert_eq!(browser.reports, Vec::<String>::new());
}
