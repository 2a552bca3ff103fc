//! What evaluators say about answers.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use a2a_otel::evaluation::{
    Dataset, Evaluator, Example, IntoEvaluator, Judge, Report, Run, Verdict, evaluators,
};
use a2a_otel::{evaluator_span, llm_call};
use serde_json::{Value, json};

use super::shared::{Folder, experiment};

/// Has one answer evaluated.
async fn judged<Kind>(
    answer: Value,
    expected: Value,
    evaluator: impl IntoEvaluator<Kind>,
) -> (Report, Value) {
    let folder = Folder::new();
    let dataset = Dataset::new("one").with_example(Example::new("question").with_expected(expected));
    let task = move |_| {
        let answer = answer.clone();
        async move { Ok::<_, io::Error>(answer) }
    };
    let report = experiment(&folder, dataset).task(task).evaluator(evaluator).run().await.expect("a report");
    let line = folder.lines().into_iter().find(|line| line["line"] == "evaluation").expect("an evaluation");
    (report, line)
}

struct Case(Value, Value, Evaluator, f64);

#[tokio::test]
async fn prepared_evaluators_score_as_they_say() {
    let schema =
        json!({"type": "object", "required": ["price"], "properties": {"price": {"type": "number"}}});
    let schema = || evaluators::json_schema(&schema).expect("a schema");
    let regex = || evaluators::regex(r"^\d+ lamps?$").expect("a pattern");
    let cases = [
        Case(json!({"a": 1, "b": 2}), json!({"b": 2, "a": 1}), evaluators::exact(), 1.0),
        Case(json!("one"), json!("two"), evaluators::exact(), 0.0),
        Case(json!("two lamps"), json!(null), evaluators::contains("lamp"), 1.0),
        Case(json!("two chairs"), json!(null), evaluators::contains("lamp"), 0.0),
        Case(
            json!("lamp, chair"),
            json!(["lamp", "chair", "table", "bed"]),
            evaluators::contains_expected(),
            0.5,
        ),
        Case(json!({"said": "lamp"}), json!("lamp"), evaluators::contains_expected(), 1.0),
        Case(json!("2 lamps"), json!(null), regex(), 1.0),
        Case(json!("no lamps"), json!(null), regex(), 0.0),
        Case(json!({"price": 3}), json!(null), schema(), 1.0),
        Case(json!("{\"price\": 3}"), json!(null), schema(), 1.0),
        Case(json!({"price": "3"}), json!(null), schema(), 0.0),
        Case(json!("not JSON"), json!(null), schema(), 0.0),
        Case(json!("It costs 10."), json!(10), evaluators::numeric_distance(2.0), 1.0),
        Case(json!("1 lamp costs 11"), json!(10), evaluators::numeric_distance(2.0), 0.5),
        Case(json!(30), json!(10), evaluators::numeric_distance(2.0), 0.0),
        Case(json!("none"), json!(10), evaluators::numeric_distance(2.0), 0.0),
        Case(json!(10), json!(10), evaluators::numeric_distance(0.0), 1.0),
        Case(json!(11), json!(10), evaluators::numeric_distance(0.0), 0.0),
        Case(json!("x"), json!(null), evaluators::tool_calls(["search"]), 0.0),
        Case(json!("x"), json!(null), evaluators::calls_tools(Vec::<String>::new()), 1.0),
        Case(json!("x"), json!(null), evaluators::steps_at_most(0), 1.0),
        Case(json!("x"), json!(null), evaluators::cost_at_most(1.0), 0.0),
        Case(json!("It costs 1,250.50 euros"), json!(1250.5), evaluators::numeric_distance(1.0), 1.0),
        Case(json!({"sum": 20.0, "of": [1]}), json!({"of": [1.0], "sum": 20}), evaluators::exact(), 1.0),
    ];
    for Case(answer, expected, evaluator, score) in cases {
        let name = evaluator.name().to_owned();
        let (report, line) = judged(answer.clone(), expected.clone(), evaluator).await;
        assert_eq!(report.mean(&name), Some(score), "{name} of {answer} for {expected}: {line}");
        assert!(score > 0.99 || line["explanation"].is_string(), "{name} says why: {line}");
    }
    assert!(evaluators::regex("(").is_err() && evaluators::json_schema(&json!({"type": 5})).is_err());
}

#[tokio::test]
async fn an_example_that_expects_nothing_is_an_error() {
    for evaluator in [evaluators::contains_expected(), evaluators::numeric_distance(1.0)] {
        let name = evaluator.name().to_owned();
        let (report, line) = judged(json!("an answer"), json!(null), evaluator).await;
        assert_eq!((report.mean(&name), report.evaluator_errors(&name)), (None, 1));
        assert!(
            line["error"].as_str().is_some_and(|error| error.contains("the example expects no")),
            "{line}"
        );
    }
}

#[tokio::test]
async fn a_judge_waits_for_its_provider() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    let judge = Judge::new("helpful", "Does it help?").label("helpful", 1.0).model(move |_| {
        let is_first = counted.fetch_add(1, Ordering::SeqCst) == 0;
        async move { if is_first { Err("HTTP status 429") } else { Ok("helpful".to_owned()) } }
    });
    let (report, _) = judged(json!("a lamp"), json!(null), judge).await;
    assert_eq!((asked.load(Ordering::SeqCst), report.mean("helpful")), (2, Some(1.0)));
}

#[evaluator_span(evaluation = "brevity", score = output, input = run.output())]
fn brevity(run: &Run) -> f64 {
    if run.output_text().len() < 5 { 1.0 } else { 0.0 }
}

async fn tone(run: Run) -> Result<(&'static str, String), io::Error> {
    if run.output().is_null() {
        Err(io::Error::other("there is no answer"))
    } else {
        Ok(("calm", "no shouting".to_owned()))
    }
}

fn fails(_: &Run) -> Verdict {
    panic!("the judge has left")
}

#[tokio::test]
async fn functions_are_evaluators_and_have_their_names() {
    let (report, line) = judged(json!("yes"), json!(null), brevity).await;
    assert_eq!((report.evaluators(), report.mean("brevity")), (vec!["brevity"], Some(1.0)));
    assert_eq!(line["kind"], "CODE");
    let (report, line) = judged(json!("yes"), json!(null), tone).await;
    assert_eq!(
        (report.evaluators(), &line["label"], &line["explanation"]),
        (vec!["tone"], &json!("calm"), &json!("no shouting"))
    );
    let (_, line) = judged(json!(null), json!(null), tone).await;
    assert_eq!(line["error"], "there is no answer");
    let (report, line) = judged(json!("yes"), json!(null), fails).await;
    assert_eq!(
        (&line["error"], report.evaluator_errors("fails")),
        (&json!("it panicked: the judge has left"), 1)
    );
    let named = Evaluator::new("is_yes", |run: &Run| run.output_text() == "yes");
    assert_eq!(judged(json!("yes"), json!(null), named).await.1["label"], "true");
    let nothing = Evaluator::new("nothing", |_: &Run| Verdict::default());
    assert!(
        judged(json!("yes"), json!(null), nothing).await.1["error"]
            .as_str()
            .is_some_and(|error| error.contains("returned nothing"))
    );
    let infinite = Evaluator::new("infinite", |_: &Run| f64::INFINITY);
    assert!(
        judged(json!("yes"), json!(null), infinite).await.1["error"]
            .as_str()
            .is_some_and(|error| error.contains("finite"))
    );
}

#[llm_call(model = "judge-1", provider = "openai", input = prompt)]
async fn model(prompt: String, answer: String) -> Result<String, io::Error> {
    let _ = prompt;
    Ok(answer)
}

/// A judge whose model gives these answers one after the other, and the prompts that it got.
fn judge(answers: &[&str]) -> (Evaluator, Arc<Mutex<Vec<String>>>) {
    let answers: Vec<String> = answers.iter().map(|answer| (*answer).to_owned()).collect();
    let (prompts, asked) = (Arc::new(Mutex::new(Vec::new())), AtomicUsize::new(0));
    let seen = prompts.clone();
    let ask = move |prompt: String| {
        seen.lock().unwrap().push(prompt.clone());
        let answer = answers[asked.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1)].clone();
        model(prompt, answer)
    };
    let judge = Judge::new("helpful", "Does {output} help with {input}?")
        .label("helpful", 1.0)
        .label("unhelpful", 0.0);
    (judge.model(ask), prompts)
}

#[tokio::test]
async fn a_judge_reads_what_models_answer() {
    let answers = [
        r#"{"explanation": "It names a lamp.", "label": "helpful"}"#,
        "Here you are:\n```json\n{\"explanation\": \"fine\", \"label\": \"Helpful\"}\n```",
        "{\"thought\": {\"deep\": true}} and {\"label\": \"helpful\", \"explanation\": \"so\"} {",
        "helpful",
        "\"Helpful\".",
    ];
    for answer in answers {
        let (report, line) = judged(json!("a lamp"), json!(null), judge(&[answer]).0).await;
        assert_eq!(
            (report.mean("helpful"), &line["label"], &line["kind"]),
            (Some(1.0), &json!("helpful"), &json!("LLM")),
            "{answer}: {line}"
        );
    }
}

#[tokio::test]
async fn a_judge_is_asked_again_if_its_answer_cannot_be_read() {
    let (evaluator, prompts) =
        judge(&["I cannot say", r#"{"label": "superb"}"#, r#"{"label": "unhelpful"}"#]);
    let (report, _) = judged(json!("{input}"), json!(null), evaluator).await;
    assert_eq!(report.mean("helpful"), Some(0.0));
    let prompts = prompts.lock().unwrap().clone();
    assert_eq!(prompts.len(), 3);
    // What the answer says is not replaced again.
    assert!(prompts[0].starts_with("Does {input} help with question?"), "{}", prompts[0]);
    assert!(prompts[1].contains("I cannot say") && prompts[2].contains("superb"), "{prompts:#?}");
    let (evaluator, prompts) = judge(&["no idea"]);
    let (report, line) = judged(json!("a lamp"), json!(null), evaluator).await;
    assert_eq!((report.evaluator_errors("helpful"), prompts.lock().unwrap().len()), (1, 3));
    assert!(
        line["error"]
            .as_str()
            .is_some_and(|error| error.contains("asked 3 times") && error.contains("no idea")),
        "{line}"
    );
}
