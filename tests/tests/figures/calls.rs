//! Agents, tools, retrievals and evaluations, with all shapes of functions.

use std::panic::{AssertUnwindSafe, catch_unwind};

use a2a_otel::evaluation::{Annotation, annotate_span};
use a2a_otel::semconv::GenAiVersion;
use a2a_otel::{agent_span, current, in_current_span, retriever_span, suppress, tool_span};
use futures::executor::block_on;
use futures::stream::{self, Stream, StreamExt as _};

use crate::world::{EACH, count, figures, recorded, sum};

#[tool_span]
fn weigh(pounds: u32) -> Result<u32, std::num::TryFromIntError> {
    u8::try_from(pounds).map(u32::from)
}

#[tool_span(tool = name)]
fn any_tool(name: &str) {
    assert!(name != "hammer", "the hammer breaks");
}

#[tool_span]
async fn wait(forever: bool) {
    if forever {
        std::future::pending::<()>().await;
    }
}

#[tool_span]
fn count_up(to: u32) -> impl Stream<Item = Result<u32, String>> {
    stream::iter((0..to).map(|number| if number == 3 { Err("three".to_owned()) } else { Ok(number) }))
}

#[retriever_span]
fn search(word: &str) -> Vec<String> {
    vec![word.to_owned()]
}

#[agent_span]
fn clerk(name: &str) -> u32 {
    search("scales");
    any_tool(name);
    weigh(7).unwrap_or_default()
}

/// Its clerk's calls are the clerk's. Its own calls go on in another thread.
#[agent_span(name = format!("{city} office"), agent = city)]
fn office(city: &str) {
    clerk("saw");
    std::thread::spawn(in_current_span(|| weigh(700))).join().expect("it ends").expect_err("too heavy");
    current().score("honesty", 0.9, "honest", None);
    current().annotate(Annotation::new("tone").label("friendly"));
}

pub(crate) fn scene() {
    office("Delft");
    weigh(1).expect("light");
    catch_unwind(AssertUnwindSafe(|| clerk("hammer"))).expect_err("it breaks");
    block_on(wait(false));
    assert!(futures::FutureExt::now_or_never(wait(true)).is_none());
    for (to, take) in [(2, 9), (5, 9), (3, 1)] {
        block_on(count_up(to).take(take).collect::<Vec<_>>());
    }
    annotate_span("53995c3f42cd8ad8", Annotation::new("helpful").score(4.0));
    suppress().run(|| {
        office("Nowhere");
        current().score("honesty", 0.1, "dishonest", None);
    });
}

#[test]
fn each_call_counts_once_with_its_outcome() {
    let each = EACH.map(|sampled| recorded(sampled, GenAiVersion::V1_41, scene));
    for metrics in &each {
        let tool = "gen_ai.execute_tool.duration";
        let of = |labels: &[(&str, &str)]| count(metrics, tool, labels);
        let (weigh, delft) = (("gen_ai.tool.name", "weigh"), ("gen_ai.agent.name", "Delft"));
        assert_eq!((of(&[weigh]), of(&[weigh, delft])), (3, 1), "{metrics}");
        assert_eq!(of(&[weigh, ("gen_ai.agent.name", "clerk")]), 1, "{metrics}");
        assert_eq!(of(&[weigh, delft, ("error.type", "core::num::error::TryFromIntError")]), 1, "{metrics}");
        assert_eq!(of(&[("gen_ai.tool.name", "hammer"), ("error.type", "panic")]), 1, "{metrics}");
        assert_eq!(of(&[("gen_ai.tool.name", "wait"), ("error.type", "cancelled")]), 1, "{metrics}");
        assert_eq!(of(&[("gen_ai.tool.name", "wait")]), 2, "{metrics}");
        let counted = |error| of(&[("gen_ai.tool.name", "count_up"), ("error.type", error)]);
        assert_eq!((counted("alloc::string::String"), counted("cancelled")), (1, 1), "{metrics}");
        let runs = |labels: &[(&str, &str)]| count(metrics, "gen_ai.invoke_agent.duration", labels);
        assert_eq!((runs(&[]), runs(&[delft]), runs(&[("error.type", "panic")])), (3, 1, 1), "{metrics}");
        let calls = |agent| sum(metrics, "gen_ai.invoke_agent.tool_calls", &[("gen_ai.agent.name", agent)]);
        assert_eq!((calls("Delft"), calls("clerk")), (1.0, 3.0), "{metrics}");
        let searched = [("gen_ai.operation.name", "retrieval"), ("gen_ai.agent.name", "clerk")];
        assert_eq!(count(metrics, "gen_ai.client.operation.duration", &searched), 2, "{metrics}");
        let honest =
            [("gen_ai.evaluation.name", "honesty"), ("gen_ai.evaluation.score.label", "honest"), delft];
        assert_eq!(sum(metrics, "a2a_otel.evaluations", &honest), 1.0, "{metrics}");
        assert_eq!(sum(metrics, "a2a_otel.evaluations", &[]), 3.0, "{metrics}");
        assert_eq!(sum(metrics, "a2a_otel.evaluation.score", &[]), 4.9, "{metrics}");
        assert!(!metrics.to_string().contains("Nowhere"), "{metrics}");
        assert_eq!(figures(metrics), figures(&each[0]));
    }
}
