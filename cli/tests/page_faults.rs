//! The pages of `a2a-otel dashboards` with a Prometheus that does not answer, broken files and hostile values.

mod support;

use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use support::browser::Browser;
use support::pages::Pages;
use support::prometheus::{Server, answering, serve};
use support::services::require;
use support::{project, run};
use tempfile::TempDir;

const PAGE: &str = "/d/a2a-otel-agents";

/// An answer of a server.
fn answer(status: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}

fn dashboard(uid: &str, panels: &str) -> String {
    format!(r#"{{ "title": "Made {uid}", "uid": "{uid}", "panels": [{panels}] }}"#)
}

fn panel(id: u32, kind: &str, title: &str, query: &str) -> String {
    format!(
        r#"{{ "id": {id}, "type": "{kind}", "title": "{title}", "gridPos": {{ "x": 0, "y": {id}, "w": 12 }},
           "targets": [{{ "refId": "A", "expr": "{query}" }}] }}"#
    )
}

fn served(files: &[(&str, &str)], prometheus: &str) -> (TempDir, Pages) {
    let folder = project(files);
    let pages = Pages::start(
        prometheus,
        &[
            "--dashboards",
            folder.path().to_str().expect("UTF-8"),
            "--timeout",
            "60s",
            "--scrape-interval",
            "1s",
        ],
    );
    (folder, pages)
}

#[test]
fn a_page_says_why_prometheus_does_not_answer() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent = silent.local_addr().map(|address| (address, silent)).expect("an address");
    let with =
        |status: &'static str, body: &'static str| answering(move |_| answer(status, body)).to_string();
    let refused = r#"{"status":"error","errorType":"unavailable","error":"<b>too busy</b>"}"#;
    for (address, expected) in [
        (
            "127.0.0.1:1".to_owned(),
            "http://127.0.0.1:1 cannot be reached: the connection is refused. Start Prometheus",
        ),
        ("nobody.invalid".to_owned(), "http://nobody.invalid cannot be reached: "),
        (silent.0.to_string(), " has not answered within 1s. Choose a shorter time, or raise --timeout."),
        (with("500 Oh", "oh"), " answers with status 500. Look into Prometheus&#39;s log."),
        (with("200 OK", "<html>"), " does not answer as Prometheus does: "),
        (with("200 OK", r#"{"status":"success"}"#), " does not answer as Prometheus does: it has no data."),
        (with("401 No", ""), " wants a login (status 401). Write it into --prometheus"),
        (with("302 Moved", ""), " has no API of Prometheus (status 302)"),
        (with("404 No", "404 page not found"), " has no API of Prometheus (status 404)"),
    ] {
        let phoenix = ["--phoenix", "http://name:secret@localhost:6006"];
        let more = [&["--timeout", "1s"], &phoenix[..]].concat();
        let pages = Pages::start(&format!("http://name:secret@{address}"), &more);
        let page = pages.get(PAGE);
        let expected = expected.replace("&#39;", "'");
        assert_eq!(page.status, 200);
        assert!(page.text.contains(&expected), "{expected}: {}", page.text);
        assert!(page.text.contains("role=\"alert\""), "{address}");
        // The page is there: its heading, its form, its links.
        assert!(
            page.text.contains("<h1>Agent performance</h1>") && page.text.contains("/d/a2a-otel-errors?")
        );
        assert!(!page.text.contains("secret"), "{}", page.text);
    }
    // Of the values of a variable, the page does without them; each panel says what is wrong with its own query.
    let pages = Pages::start(&format!("http://{}", with("503 Busy", refused)), &[]);
    let page = pages.get(PAGE);
    let expected = "Prometheus cannot answer the query: &lt;b&gt;too busy&lt;/b&gt;. Choose a shorter time";
    assert!(page.text.matches(expected).count() > 30, "{}", page.text);
}

#[test]
fn one_query_that_fails_leaves_the_others_alone() {
    let agent = serve(|_| "# EOF\n".to_owned());
    let Some(server) = require("Prometheus", Server::start(agent)) else { return };
    server.wait_for("min(count_over_time(up[30s])) > 3");
    let panels = [
        panel(1, "timeseries", "Broken", "up{"),
        panel(2, "timeseries", "Fine", "up"),
        panel(3, "table", "Nothing", "of_nobody"),
        panel(4, "nodeGraph", "Graph", "up"),
        panel(5, "stat", "Constant", "vector(42)"),
        r#"{ "type": "text", "title": "Text" }"#.to_owned(),
    ];
    let made = dashboard("made", &panels.join(","));
    let (_folder, pages) = served(&[("made.json", &made)], &server.url);
    let page = pages.get("/d/made?from=now-5m&to=now");
    for expected in [
        "Prometheus refuses the query: ",
        "Correct it in the dashboard's file",
        "No data. Choose a longer time",
        "This kind of panel is drawn by Grafana only.",
        ">42<",
        "This panel asks nothing.",
        "instance=127.0.0.1:1, job=agents",
    ] {
        assert!(page.text.contains(expected), "{expected}: {}", page.text);
    }
    assert_eq!(page.text.matches("class=\"fault\"").count(), 1);
}

#[test]
fn a_broken_file_is_named_and_the_others_are_shown() {
    let good = dashboard("good", "");
    let other = good.replace("Made good", "Other");
    let files = [
        ("good.json", &*good),
        ("broken.json", "{ \"title\": 1 }"),
        ("twice.json", &other),
        ("notes.txt", "no"),
    ];
    let (folder, pages) = served(&files, "http://127.0.0.1:1");
    let index = pages.get("/").text;
    assert!(index.contains("/d/good\">Made good</a>"), "{index}");
    assert!(
        index.contains("broken.json: it is not a dashboard of Grafana: invalid type: integer"),
        "{index}"
    );
    assert!(index.contains("at line 1 column 12; generate it again"), "{index}");
    assert!(
        index.contains("twice.json: its `uid` is that of \"Made good\"")
            || index.contains("&quot;Made good&quot;")
    );
    assert_eq!(index.matches("class=\"fault\"").count(), 2, "{index}");
    // Files are read again for each page.
    fs::write(folder.path().join("broken.json"), dashboard("mended", "")).expect("a file");
    assert!(pages.get("/").text.contains("Made mended"));
    fs::remove_dir_all(folder.path()).expect("a folder");
    let gone = pages.get("/");
    assert!(gone.text.contains("Write the dashboards again with `a2a-otel generate`"), "{}", gone.text);
    assert_eq!(pages.get("/d/good").status, 404);
}

#[test]
fn nothing_of_an_address_comes_back_and_nothing_foreign_may_run() {
    let pages = Pages::start("http://127.0.0.1:1", &[]);
    for path in [
        "/d/<script>alert(4711)</script>",
        "/4711?x=<script>alert(4711)</script>",
        "/d/a2a-otel-agents/4711?from=<b>4711&to=\"'4711&last=4711&refresh=4711&var-service=\"><img src=4711>&var-x=4711",
        "/d/a2a-otel-agents?from=4711-1&to=%00%0a4711&from=now-4711y",
    ] {
        let page =
            pages.get(&path.replace('<', "%3C").replace('>', "%3E").replace('"', "%22").replace(' ', "%20"));
        assert!(!page.text.contains("4711"), "{path}: {}", page.text);
        let header = |name: &str| {
            page.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
        };
        let policy = header("content-security-policy").expect("a policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(header("x-content-type-options"), Some("nosniff"));
        assert_eq!(header("referrer-policy"), Some("no-referrer"));
    }
    let page = pages.get("/d/a2a-otel-agents?from=yesterday");
    assert!(page.text.contains("The time in the address could not be read"), "{}", page.text);
    // A foreign page may give its own name to this machine's address.
    assert_eq!(pages.get_as("/", Some("example.com:8080")).status, 421);
    for host in ["localhost", "localhost:8080", "127.0.0.1", "[::1]:80"] {
        assert_eq!(pages.get_as("/", Some(host)).status, 200, "{host}");
    }
}

/// Names that would do harm in a page that does not escape.
const HOSTILE: [&str; 6] = [
    "<script>window.harmed = 1</script>",
    "\"><img src=x onerror=\"window.harmed = 1\">",
    "' onfocus='window.harmed = 1' autofocus='",
    "two\nlines",
    "&lt;script&gt; $service ${phoenix} {{job}} \\",
    "</title></script></svg><script>window.harmed = 1</script>",
];

#[test]
fn hostile_and_many_values_are_shown_as_text_and_bounded() {
    let Some(mut browser) = require("Chromium", Browser::start()) else { return };
    let quoted = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let mut text = String::new();
    for (place, name) in HOSTILE.iter().enumerate() {
        let _ = writeln!(text, "made{{service_name=\"{}\",peer=\"one\"}} {place}", quoted(name));
    }
    let _ = writeln!(text, "made{{service_name=\"{}\",peer=\"two\"}} 7", "long ".repeat(2000));
    for number in 0..10_000 {
        let _ = writeln!(text, "many{{service_name=\"sales\",number=\"{number}\"}} {number}");
    }
    text += "# EOF\n";
    let agent = serve(move |_| text.clone());
    let Some(server) = require("Prometheus", Server::start(agent)) else { return };
    // A panel of numbers ends at the last multiple of its step, which is 5 s for 5 minutes.
    server.wait_for("count(count_over_time(many[30s] offset 5s) > 2) > 9999");
    let variable = r#""templating": { "list": [{ "name": "service", "type": "query", "query": "label_values(service_name)",
        "allValue": ".*" }] }, "panels""#;
    let legend = r#""expr": "made{service_name=~\"$service\"}", "legendFormat": "{{service_name}}""#;
    let panels = [
        panel(1, "timeseries", "Hostile", "HERE").replace(r#""expr": "HERE""#, legend),
        panel(2, "timeseries", "Many", "many"),
        panel(3, "table", "Table", "many"),
        panel(4, "stat", "Numbers", "many"),
        panel(5, "table", "Hostile table", "made"),
    ];
    let made = dashboard("made", &panels.join(",")).replace("\"panels\"", variable);
    let (_folder, pages) = served(&[("made.json", &made)], &server.url);
    browser.open(&format!("{}/d/made?from=now-5m&to=now", pages.url));
    browser.evaluate("document.querySelectorAll('details').forEach(it => it.open = true)");
    assert!(browser.evaluate("window.harmed ?? null").is_null());
    assert_eq!(browser.reports, Vec::<String>::new());
    let content = browser.evaluate("document.body.textContent");
    let content = content.as_str().expect("a text");
    for name in HOSTILE {
        let start: String = name.replace('\n', "␤").chars().take(40).collect();
        assert!(content.contains(&start), "{start}");
    }
    for expected in ["9984 more series", "9950 more rows", "9996 more numbers"] {
        assert!(content.contains(expected), "{expected}");
    }
    assert!(
        browser.evaluate("document.documentElement.outerHTML.length").as_u64().expect("a size") < 400_000
    );
    assert_eq!(browser.evaluate("document.documentElement.scrollWidth > innerWidth"), false);
    // Each can be selected, and is then the only one.
    for name in HOSTILE {
        let service: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
        browser.open(&format!("{}/d/made?from=now-5m&to=now&var-service={service}", pages.url));
        let shown = "[...document.querySelectorAll('article')][0].querySelectorAll('.legend li').length";
        assert_eq!(browser.evaluate(shown), 1, "{name}");
        assert_eq!(
            browser.evaluate("document.querySelectorAll('input[type=checkbox]:checked').length"),
            1,
            "{name}"
        );
    }
    assert_eq!(browser.reports, Vec::<String>::new());
}

#[test]
fn a_command_that_cannot_be_run_says_why() {
    let empty = TempDir::new().expect("a folder");
    let empty = empty.path().to_str().expect("UTF-8");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("an address").to_string();
    for (arguments, expected) in [
        (["--dashboards", empty], "has no dashboards; write dashboards with `a2a-otel generate"),
        (
            ["--dashboards", "/of/nobody"],
            "/of/nobody: No such file or directory (os error 2); write dashboards",
        ),
        (
            ["--listen", &taken],
            "cannot be listened on: Address already in use (os error 98); choose another address",
        ),
        (["--prometheus", "localhost"], "it has to be an address such as http://localhost:9090"),
        (["--phoenix", "javascript:alert(1)"], "it has to be an address such as http://localhost:9090"),
        (["--timeout", "soon"], "it has to be a number and one of ms, s, m, h, d and w, such as 15s"),
    ] {
        let said = run(&["dashboards", arguments[0], arguments[1]]);
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.stderr.contains(expected), "{expected}: {said:?}");
        assert_eq!(said.stdout, "");
    }
    let help = run(&["dashboards", "--help"]);
    assert!(help.stdout.contains("Examples:") && help.stdout.contains("Exit codes:"), "{}", help.stdout);
}

#[test]
fn a_slow_query_does_not_keep_the_page_for_ever() {
    // Values of variables come at once; queries never.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for mut stream in listener.incoming().filter_map(Result::ok) {
            thread::spawn(move || {
                use std::io::{Read as _, Write as _};
                let mut head = [0; 4096];
                let read = stream.read(&mut head).unwrap_or(0);
                if head[..read].starts_with(b"GET") {
                    let body = r#"{"status":"success","data":["sales"]}"#;
                    let _ = stream.write_all(answer("200 OK", body).as_bytes());
                } else {
                    thread::sleep(Duration::from_secs(600));
                }
            });
        }
    });
    let pages = Pages::start(&format!("http://{address}"), &["--timeout", "1s"]);
    let page = pages.get(PAGE);
    let slow = page.text.matches("has not answered within 1s").count();
    assert_eq!(slow, page.text.matches("<article").count(), "{}", page.text);
    assert!(page.text.contains("value=\"sales\""), "{}", page.text);
}

#[test]
fn it_ends_when_it_is_asked_to() {
    let pages = Pages::start("http://127.0.0.1:1", &[]);
    assert_eq!(pages.get("/").status, 200);
    assert_eq!(pages.interrupt(), Some(0));
}
