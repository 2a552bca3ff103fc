use std::time::SystemTime;

use opentelemetry::KeyValue;
use opentelemetry::trace::{
    SpanContext, SpanId, Status, TraceContextExt, TraceFlags, TraceState, Tracer, TracerProvider,
};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use proptest::prelude::*;
use unicode_width::UnicodeWidthStr as _;

use super::trace::MOST_SPANS;
use super::*;

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<String>>>);

impl Paper {
    fn sheets(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().push(String::from_utf8(bytes.to_vec()).unwrap());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Desk {
    paper: Paper,
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

fn desk() -> Desk {
    desk_with(|printer| printer)
}

fn desk_with(change: impl FnOnce(TreePrinter) -> TreePrinter) -> Desk {
    let paper = Paper::default();
    let printer = change(TreePrinter::new(paper.clone()));
    let provider = SdkTracerProvider::builder().with_span_processor(printer).build();
    Desk { paper, tracer: provider.tracer("test"), provider }
}

const TRACE: TraceId = TraceId::from_bytes([0xab; 16]);

fn at(milliseconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds)
}

fn remote() -> SpanContext {
    let span = SpanId::from_bytes([1; 8]);
    SpanContext::new(TRACE, span, TraceFlags::SAMPLED, true, TraceState::NONE)
}

impl Desk {
    fn start(&self, name: impl Into<String>, kind: &str, start: u64, parent: &SpanContext) -> Span {
        let none = Context::new();
        let context = if parent.is_valid() { none.with_remote_span_context(parent.clone()) } else { none };
        let kind = KeyValue::new("openinference.span.kind", kind.to_owned());
        let builder = self.tracer.span_builder(name.into()).with_attributes([kind]);
        self.tracer.build_with_context(builder.with_start_time(at(start)), &context)
    }

    /// What is printed, without the number of the trace.
    fn printed(&self) -> String {
        self.paper.sheets().concat().replace(&TRACE.to_string(), "ID")
    }
}

/// A span as a row of a table: depth, kind, name, message of an error, attributes.
struct Row(usize, &'static str, &'static str, Option<&'static str>, &'static [(&'static str, &'static str)]);

/// Prints a trace with one root, whose spans take 1 ms each, and leaves out the head.
fn tree(rows: &[Row], change: impl FnOnce(TreePrinter) -> TreePrinter) -> String {
    let desk = desk_with(change);
    let mut open: Vec<Span> = Vec::new();
    let close = |open: &mut Vec<Span>, depth: usize| {
        while open.len() > depth {
            open.pop().unwrap().end_with_timestamp(at(1));
        }
    };
    for Row(depth, kind, name, failure, attributes) in rows {
        close(&mut open, *depth);
        let parent = open.last().map_or(SpanContext::NONE, |parent| parent.span_context().clone());
        let mut span = desk.start(*name, kind, 0, &parent);
        for (key, value) in *attributes {
            match value.parse::<i64>() {
                Ok(number) => span.set_attribute(KeyValue::new(*key, number)),
                Err(_) => span.set_attribute(KeyValue::new(*key, *value)),
            }
        }
        if let Some(message) = failure {
            span.set_status(Status::error(*message));
        }
        open.push(span);
    }
    close(&mut open, 0);
    desk.printed().split_inclusive('\n').skip(2).collect()
}

fn draw_conversation(change: impl FnOnce(TreePrinter) -> TreePrinter) -> Vec<String> {
    let desk = desk_with(change);
    let mut root = desk.start("coordinator", "AGENT", 51_138_000, &remote());
    let now = |milliseconds: u64| at(51_138_000 + milliseconds);
    let mut second = desk.start("chat", "LLM", 51_138_020, root.span_context());
    let mut first = desk.start("search", "TOOL", 51_138_010, root.span_context());
    let mut inner = desk.start("fetch\nurl", "CHAIN", 51_138_011, first.span_context());
    inner.set_status(Status::error("cancelled"));
    inner.end_with_timestamp(now(12));
    first.set_status(Status::error("no stock"));
    first.set_attribute(KeyValue::new("input.value", "{\"text\": \"lamp\"}"));
    second.set_attribute(KeyValue::new("llm.model_name", "gpt-4o"));
    second.set_attribute(KeyValue::new("llm.token_count.prompt", 1100));
    second.set_attribute(KeyValue::new("llm.token_count.completion", 20));
    second.set_attribute(KeyValue::new("llm.cost.total", 0.00234));
    second.set_attribute(KeyValue::new("input.value", "{\"messages\": []}"));
    second.set_attribute(KeyValue::new("llm.input_messages.0.message.content", "You are a shop."));
    second.set_attribute(KeyValue::new("llm.input_messages.1.message.content", "A lamp,\n please"));
    second.set_attribute(KeyValue::new("llm.output_messages.0.message.content", "Sold out."));
    second.end_with_timestamp(now(820));
    first.end_with_timestamp(now(15));
    assert!(desk.paper.sheets().is_empty());
    root.set_attribute(KeyValue::new("session.id", "customer-07"));
    root.set_attribute(KeyValue::new("user.id", "ann"));
    root.set_attribute(KeyValue::new("input.value", "A lamp,\n please"));
    root.set_attribute(KeyValue::new("output.value", "Sold out."));
    root.end_with_timestamp(now(1200));
    desk.paper.sheets()
}

#[test]
fn each_form_shows_what_it_promises() {
    let forms = [
        (ConsoleForm::Tree, "\
14:12:18Z  1.20 s  4 spans  1,120 tokens  $0.0023  2 errors
trace abababababababababababababababab  session customer-07  user ann
└─ AGENT coordinator  1.20 s  (remote parent)  A lamp, please  → Sold out.
   ├─ TOOL search  5 ms  error: no stock  {\"text\": \"lamp\"}
   │  └─ CHAIN fetch url  1 ms  cancelled
   └─ LLM chat  800 ms  gpt-4o  1100 + 20 tokens  $0.0023
"),
        (ConsoleForm::Full, "\
14:12:18Z  1.20 s  4 spans  1,120 tokens  $0.0023  2 errors
trace abababababababababababababababab  session customer-07  user ann
└─ AGENT coordinator  +0 µs  1.20 s  (remote parent)
   in: A lamp,  please
   out: Sold out.
   ├─ TOOL search  +10 ms  5 ms  error: no stock
   │  in: {\"text\": \"lamp\"}
   │  └─ CHAIN fetch url  +11 ms  1 ms  cancelled
   └─ LLM chat  +20 ms  800 ms  gpt-4o  1100 + 20 tokens  $0.0023
      in: {\"messages\": []}
"),
        (ConsoleForm::Summary, "\
14:12:18Z  ok  AGENT coordinator  1.20 s  4 spans  1,120 tokens  $0.0023  2 errors  session customer-07  user ann  trace abababababababababababababababab
  TOOL search  error: no stock
  CHAIN fetch url  cancelled
"),
    ];
    for (form, expected) in forms {
        assert_eq!(draw_conversation(|printer| printer.form(form)), [expected], "{form:?}");
    }
}

#[test]
fn colour_marks_kinds_and_errors() {
    let sheets = draw_conversation(|printer| printer.colour(true));
    assert!(sheets[0].contains("\x1b[36mAGENT\x1b[0m coordinator"), "{}", sheets[0]);
    assert!(sheets[0].contains("\x1b[31merror: no stock\x1b[0m"), "{}", sheets[0]);
}

#[test]
fn long_rows_of_equal_siblings_are_folded() {
    let fetch = || Row(1, "TOOL", "fetch", None, &[]);
    let bad = || Row(1, "TOOL", "fetch", Some("no route"), &[]);
    let agent = || Row(0, "AGENT", "a", None, &[]);
    let below = || Row(2, "LLM", "chat", None, &[("llm.token_count.total", "1000")]);
    let cases = [
        (
            "three are no long row",
            vec![agent(), fetch(), fetch(), fetch()],
            "\
└─ AGENT a  1 ms
   ├─ TOOL fetch  1 ms
   ├─ TOOL fetch  1 ms
   └─ TOOL fetch  1 ms
",
        ),
        (
            "four are",
            vec![agent(), fetch(), fetch(), fetch(), fetch()],
            "\
└─ AGENT a  1 ms
   ├─ TOOL fetch  1 ms
   └─ … 3 more TOOL fetch  3 ms in all
",
        ),
        (
            "an error is never folded",
            vec![agent(), fetch(), fetch(), bad(), fetch(), fetch(), fetch(), fetch(), fetch()],
            "\
└─ AGENT a  1 ms
   ├─ TOOL fetch  1 ms
   ├─ TOOL fetch  1 ms
   ├─ TOOL fetch  1 ms  error: no route
   ├─ TOOL fetch  1 ms
   └─ … 4 more TOOL fetch  4 ms in all
",
        ),
        (
            "what is below counts",
            vec![agent(), fetch(), fetch(), below(), fetch(), fetch(), below()],
            "\
└─ AGENT a  1 ms
   ├─ TOOL fetch  1 ms
   └─ … 3 more TOOL fetch  3 ms in all  5 spans  2,000 tokens
",
        ),
        (
            "other names and kinds are other rows",
            vec![agent(), fetch(), fetch(), Row(1, "CHAIN", "fetch", None, &[]), fetch(), fetch()],
            "\
└─ AGENT a  1 ms
   ├─ TOOL fetch  1 ms
   ├─ TOOL fetch  1 ms
   ├─ CHAIN fetch  1 ms
   ├─ TOOL fetch  1 ms
   └─ TOOL fetch  1 ms
",
        ),
    ];
    for (case, rows, expected) in cases {
        assert_eq!(tree(&rows, |printer| printer), expected, "{case}");
        let full = tree(&rows, |printer| printer.form(ConsoleForm::Full));
        assert_eq!(full.lines().count(), rows.len(), "{case}");
    }
}

#[test]
fn wide_lines_are_cut_to_the_columns_that_characters_take() {
    let names = [
        ("short", 40, "└─ CHAIN short  1 ms"),
        ("exactly as wide as it may be", 43, "└─ CHAIN exactly as wide as it may be  1 ms"),
        ("a name that is too long for the line", 30, "└─ CHAIN a name that is too l…"),
        // Ideographs take two columns each.
        ("東京の天気を調べる", 20, "└─ CHAIN 東京の天気…"),
        ("東京の天気を調べる", 21, "└─ CHAIN 東京の天気…"),
        ("東京の天気を調べる", 22, "└─ CHAIN 東京の天気を…"),
        ("🦀🦀🦀🦀", 14, "└─ CHAIN 🦀🦀…"),
        ("naïve – “quoted” …", 40, "└─ CHAIN naïve – “quoted” …  1 ms"),
        ("anything", 0, ""),
        ("anything", 1, "…"),
    ];
    for (name, width, expected) in names {
        let printed = tree(&[Row(0, "CHAIN", name, None, &[])], |printer| printer.width(width));
        // The rest of the line is as usual.
        assert_eq!(printed.lines().next().unwrap(), expected, "{name} in {width}");
    }
}

#[test]
fn deep_trees_are_cut_but_for_errors() {
    let mut rows: Vec<_> = (0..9).map(|depth| Row(depth, "CHAIN", "step", None, &[])).collect();
    let steps = (0..7).map(|depth| format!("{}└─ CHAIN step  1 ms\n", "   ".repeat(depth)));
    let cut = steps.chain([format!("{}└─ … 2 spans deeper\n", "   ".repeat(7))]).collect::<String>();
    assert_eq!(tree(&rows, |printer| printer.width(40)), cut);
    rows.push(Row(9, "TOOL", "read", Some("no file"), &[]));
    rows.push(Row(9, "TOOL", "write", None, &[]));
    let printed = tree(&rows, |printer| printer.width(50));
    assert!(printed.contains("├─ TOOL read  1 ms") && printed.ends_with("└─ … 1 span deeper\n"), "{printed}");
    assert!(tree(&rows, |printer| printer).contains("TOOL write"), "no width, no cut");
}

#[test]
fn causes_are_shown_once_where_the_error_happened() {
    let desk = desk();
    let mut agent = desk.start("agent", "AGENT", 0, &remote());
    let mut tool = desk.start("load", "TOOL", 0, agent.span_context());
    let mut other = desk.start("log", "TOOL", 0, agent.span_context());
    let trace = "cannot load\ncaused by: no answer\ncaused by: connection refused";
    for span in [&mut tool, &mut agent] {
        span.set_status(Status::error("cannot load"));
        let attributes = [("exception.stacktrace", trace), ("code.file.path", "src/load.rs")];
        let mut attributes: Vec<_> = attributes.map(|(key, value)| KeyValue::new(key, value)).to_vec();
        attributes.push(KeyValue::new("code.line.number", 42));
        span.add_event("exception", attributes);
    }
    other.set_status(Status::error("disk is full"));
    tool.end_with_timestamp(at(1));
    other.end_with_timestamp(at(1));
    agent.end_with_timestamp(at(1));
    let expected = "\
00:00:00Z  1 ms  3 spans  3 errors
trace ID
└─ AGENT agent  1 ms  (remote parent)  error: cannot load
   ├─ TOOL load  1 ms  error: cannot load
   │  at src/load.rs:42
   │  caused by: no answer
   │  caused by: connection refused
   └─ TOOL log  1 ms  error: disk is full
";
    assert_eq!(desk.printed(), expected);
}

#[test]
fn a_summary_names_the_first_errors() {
    for (errors, last) in [(5, "  TOOL read  error"), (6, "  … 1 more error"), (8, "  … 3 more errors")] {
        let tools = (0..errors).map(|_| Row(1, "TOOL", "read", Some(""), &[]));
        let rows: Vec<_> = [Row(0, "AGENT", "a", None, &[])].into_iter().chain(tools).collect();
        let printed = tree(&rows, |printer| printer.form(ConsoleForm::Summary));
        assert_eq!(printed.lines().last().unwrap(), last, "{printed}");
    }
}

#[test]
fn tokens_and_costs_are_those_of_all_calls() {
    for (costs, tokens, expected) in [
        ([0.25, 0.75], 50, "100 tokens  $1.00"),
        ([12.5, 0.25], 61_728, "123,456 tokens  $12.75"),
        ([0.0005, 0.0005], 500, "1,000 tokens  $0.0010"),
        ([0.0002, 0.0], 1, "2 tokens  $0.000200"),
        ([0.0, 0.0], 1, "2 tokens"),
        ([f64::NAN, -1.0], 1, "2 tokens"),
    ] {
        let desk = desk();
        let mut agent = desk.start("agent", "AGENT", 0, &remote());
        // The agent repeats what its calls have used.
        agent.set_attribute(KeyValue::new("llm.token_count.total", 2 * tokens));
        for cost in costs {
            let mut call = desk.start("chat", "LLM", 0, agent.span_context());
            call.set_attribute(KeyValue::new("llm.token_count.total", tokens));
            call.set_attribute(KeyValue::new("llm.cost.total", cost));
            call.end_with_timestamp(at(1));
        }
        agent.end_with_timestamp(at(1));
        let printed = desk.printed();
        assert_eq!(printed.lines().next().unwrap(), format!("00:00:00Z  1 ms  3 spans  {expected}"));
    }
}

#[test]
fn an_error_of_its_own_has_its_own_causes() {
    let desk = desk();
    let mut agent = desk.start("agent", "AGENT", 0, &remote());
    let mut tool = desk.start("load", "TOOL", 0, agent.span_context());
    tool.set_status(Status::error("try again"));
    tool.end_with_timestamp(at(1));
    agent.set_status(Status::error("no model"));
    agent.add_event("exception", vec![KeyValue::new("exception.stacktrace", "no model\ncaused by: no key")]);
    agent.end_with_timestamp(at(1));
    let printed = desk.printed();
    assert!(printed.contains("error: no model\n   caused by: no key\n   └─ TOOL load"), "{printed}");
}

#[test]
fn hidden_and_repeated_values_are_left_out() {
    const INPUT: (&str, &str) = ("input.value", "a lamp");
    const CALL: &str = "llm.output_messages.0.message.tool_calls.0.tool_call.function.name";
    let rows = [
        Row(0, "AGENT", "a", None, &[INPUT, ("output.value", "__REDACTED__")]),
        Row(1, "CHAIN", "same", None, &[INPUT]),
        Row(2, "CHAIN", "other", None, &[("input.value", "a desk"), ("output.value", "none")]),
        Row(3, "CHAIN", "step 1", None, &[("input.value", r#"{"role":"user","content":"a lamp"}"#)]),
        Row(3, "CHAIN", "step 2", None, &[("input.value", r#"{"role":"user","content":"a rug"}"#)]),
        Row(3, "CHAIN", "step 3", None, &[("input.value", r#"{"content":"a bed"}"#)]),
        Row(3, "LLM", "chat", None, &[(CALL, "find")]),
    ];
    let expected = "\
└─ AGENT a  1 ms  a lamp
   └─ CHAIN same  1 ms
      └─ CHAIN other  1 ms  a desk  → none
         ├─ CHAIN step 1  1 ms
         ├─ CHAIN step 2  1 ms  a rug
         ├─ CHAIN step 3  1 ms  {\"content\":\"a bed\"}
         └─ LLM chat  1 ms  → calls find
";
    assert_eq!(tree(&rows, |printer| printer), expected);
}

#[test]
fn a_model_is_named_once() {
    const MODEL: (&str, &str) = ("llm.model_name", "gpt-4o-2024-08-06");
    for (name, is_added) in [("chat gpt-4o", false), ("chat", true), ("chat ", true), ("chat o1", true)] {
        let printed = tree(&[Row(0, "LLM", name, None, &[MODEL])], |printer| printer);
        assert_eq!(printed.contains("gpt-4o-2024"), is_added, "{printed}");
    }
}

#[test]
fn an_answer_without_a_text_shows_what_it_calls() {
    const ANSWER: &[(&str, &str)] = &[
        ("llm.output_messages.0.message.role", "assistant"),
        ("llm.output_messages.0.message.tool_calls.0.tool_call.function.name", "search"),
    ];
    let printed = tree(&[Row(0, "LLM", "chat", None, ANSWER)], |printer| printer);
    assert!(printed.contains("→ calls search"), "{printed}");
}

#[test]
fn a_long_value_is_shown_in_short() {
    let desk = desk();
    let mut span = desk.start("load", "TOOL", 0, &remote());
    span.set_attribute(KeyValue::new("input.value", "word   ".repeat(100_000)));
    span.end_with_timestamp(at(1));
    let printed = desk.printed();
    let line = printed.lines().last().unwrap();
    assert!(line.ends_with("word word…") && line.chars().count() < 110, "{line}");
}

#[test]
fn shutdown_prints_what_there_is() {
    let desk = desk();
    let root = desk.start("coordinator", "AGENT", 0, &SpanContext::NONE);
    let mut child = desk.start("step", "CHAIN", 0, root.span_context());
    let id = child.span_context().trace_id();
    child.end_with_timestamp(at(0));
    desk.provider.force_flush().unwrap();
    assert!(desk.paper.sheets().is_empty());
    desk.provider.shutdown().unwrap();
    let expected =
        format!("00:00:00Z  0 µs  1 span  1 not ended\ntrace {id}\n└─ CHAIN step  0 µs  (remote parent)\n");
    assert_eq!(desk.paper.sheets(), [expected]);
}

#[test]
fn a_huge_and_deep_trace_stays_bounded() {
    for (form, lines) in
        [(ConsoleForm::Full, 2 + MOST_SPANS), (ConsoleForm::Tree, 44), (ConsoleForm::Summary, 1)]
    {
        let desk = desk_with(|printer| printer.form(form));
        let mut root = desk.start("root", "AGENT", 0, &SpanContext::NONE);
        let mut parent = root.span_context().clone();
        for _ in 0..MOST_SPANS + 5 {
            let mut span = desk.start("step", "CHAIN", 1, &parent);
            parent = span.span_context().clone();
            span.end_with_timestamp(at(1));
        }
        root.end_with_timestamp(at(2));
        let sheet = desk.paper.sheets().concat();
        assert!(sheet.contains("10,006 spans  6 not shown"), "{}", &sheet[..90]);
        assert_eq!(sheet.lines().count(), lines, "{form:?}");
        assert!(sheet.len() < MOST_SPANS * 200);
    }
}

#[test]
fn a_running_trace_is_reported_on_a_terminal() {
    let desk = desk_with(|printer| TreePrinter { is_live: true, ..printer });
    let root = desk.start("coordinator", "AGENT", 0, &SpanContext::NONE);
    let call = desk.start("chat", "LLM", 0, root.span_context());
    let started = desk.paper.sheets();
    assert!(started.len() == 1 && started[0].ends_with("Z  started  AGENT coordinator\n"), "{started:?}");
    let deadline = Instant::now() + Duration::from_secs(60);
    while desk.paper.sheets().len() == 1 {
        assert!(Instant::now() < deadline, "no report");
        thread::sleep(LOOK);
    }
    assert!(desk.paper.sheets()[1].contains("Z  running  AGENT coordinator"), "{:?}", desk.paper.sheets());
    drop((call, root));
    let printed = desk.paper.sheets();
    let last = printed.last().unwrap();
    assert!(last.contains("└─ AGENT coordinator"), "{printed:?}");
}

#[test]
fn reports_become_rarer_the_longer_a_trace_runs() {
    let desk = desk();
    let mut trace = Trace::default();
    let root = desk.start("coordinator", "AGENT", 0, &SpanContext::NONE);
    let call = desk.start("chat", "LLM", 0, root.span_context());
    assert!(trace.started(&root.exported_data().unwrap()).is_some());
    assert!(trace.started(&call.exported_data().unwrap()).is_none());
    let begin = trace.live.as_ref().unwrap().begin;
    let reports: Vec<_> =
        (0..=300).filter(|second| trace.report(begin + Duration::from_secs(*second)).is_some()).collect();
    assert_eq!(reports, [2, 4, 8, 16, 32, 64, 124, 184, 244]);
    let mut page = String::new();
    trace.report(begin + Duration::from_secs(304)).unwrap().write(None, false, &mut page);
    assert!(page.ends_with("running  AGENT coordinator  304.00 s  0 spans  now LLM chat\n"), "{page}");
    trace.keep(call.exported_data().unwrap());
    page.clear();
    trace.report(begin + Duration::from_secs(999)).unwrap().write(None, false, &mut page);
    assert!(page.ends_with("running  AGENT coordinator  999.00 s  1 span\n"), "{page}");
    trace.keep(root.exported_data().unwrap());
    assert!(trace.report(begin + Duration::from_secs(9999)).is_none(), "nothing runs any longer");
}

#[test]
fn a_file_and_a_summary_have_no_lines_of_running_traces() {
    assert!(!TreePrinter::new(io::sink()).is_live());
    let printer = TreePrinter { is_live: true, ..TreePrinter::new(io::sink()) };
    assert!(!printer.form(ConsoleForm::Summary).is_live());
}

proptest! {
    #[test]
    fn no_text_breaks_a_line_or_reaches_the_terminal(
        texts in prop::collection::vec("\\PC{0,30}|[\\x00-\\xff\u{202e}\u{2028}\u{feff}]{0,20}|.{0,40}|\x1b\\[[0-9;]{0,6}[mHJ]x", 9),
        width in 0_usize..150,
        form in prop_oneof![Just(ConsoleForm::Full), Just(ConsoleForm::Tree), Just(ConsoleForm::Summary)],
    ) {
        let desk = desk_with(|printer| printer.width(width).form(form));
        let mut root = desk.start(texts[0].clone(), &texts[1], 0, &remote());
        let mut child = desk.start(texts[2].clone(), "LLM", 0, root.span_context());
        for (key, text) in ["input.value", "session.id", "user.id", "code.file.path"].into_iter().zip(&texts[3..]) {
            root.set_attribute(KeyValue::new(key, text.clone()));
        }
        for key in ["llm.model_name", "llm.output_messages.0.message.content"] {
            child.set_attribute(KeyValue::new(key, texts[7].clone()));
        }
        let trace = format!("x\ncaused by: {}", texts[8]);
        child.add_event("exception", vec![KeyValue::new("exception.stacktrace", trace)]);
        for span in [&mut child, &mut root] {
            span.set_status(Status::error(texts[8].clone()));
            span.end_with_timestamp(at(3));
        }
        let printed = desk.paper.sheets().concat();
        let harmful = |character: char| (character.is_control() && character != '\n')
            || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2028}' | '\u{2029}');
        prop_assert!(!printed.contains(harmful), "{:?}", printed);
        // No text has a line of its own.
        prop_assert!(printed.lines().count() <= 12, "{:?}", printed);
        if form != ConsoleForm::Full {
            for line in printed.lines() {
                prop_assert!(line.width() <= width, "{} > {}: {:?}", line.width(), width, line);
            }
        }
    }
}
