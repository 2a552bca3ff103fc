//! A property of random programs, of functions that call tools of servers and each other, one after the other and at the same
//! time, and that fail, cope, and give up: each span has the parent and the status that the program's structure gives it.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use a2a_otel::testing::{Receiver, capture};
use a2a_otel::{Telemetry, chain_span, mcp_tool};
use a2a_otel_tests::child::in_own_process;
use futures::future::join_all;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use rmcp::model::{CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::sync::Notify;

use crate::retries::{BOTH, connected};
use crate::seen::Seen;
use crate::worlds::{Client, request};

/// A function, and what it does before it ends.
#[derive(Clone, Debug)]
struct Function {
    id: u64,
    /// Whether it is about the tool `own`; otherwise it is a step of a chain.
    is_of_tool: bool,
    steps: Vec<Step>,
    end: End,
}

#[derive(Clone, Debug)]
enum Step {
    Call(Call),
    Function(Function),
    AtOnce(Vec<Step>),
}

/// A call of a server's tool.
#[derive(Clone, Debug)]
struct Call {
    id: u64,
    is_own: bool,
    server: usize,
    outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    Answered,
    Refused,
    Broken,
    /// The server does not answer, and the caller gives up.
    GivenUp,
}

#[derive(Clone, Debug)]
enum End {
    Succeeds,
    Fails,
    /// It never ends, and its caller gives it up.
    Hangs,
    /// It waits for a call, and its caller gives both up.
    HangsIn(Call),
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        3 => Just(Outcome::Answered),
        2 => Just(Outcome::Refused),
        2 => Just(Outcome::Broken),
        2 => Just(Outcome::GivenUp),
    ]
}

fn call(outcome: impl Strategy<Value = Outcome>) -> impl Strategy<Value = Call> {
    (prop::bool::weighted(0.7), 0..BOTH.len(), outcome).prop_map(|(is_own, server, outcome)| Call {
        id: 0,
        is_own,
        server,
        outcome,
    })
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![
        4 => Just(End::Succeeds),
        3 => Just(End::Fails),
        1 => Just(End::Hangs),
        1 => call(Just(Outcome::GivenUp)).prop_map(End::HangsIn),
    ]
}

fn function(step: impl Strategy<Value = Step>) -> impl Strategy<Value = Function> {
    (prop::bool::weighted(0.8), prop::collection::vec(step, 0..4), end())
        .prop_map(|(is_of_tool, steps, end)| Function { id: 0, is_of_tool, steps, end })
}

fn program() -> impl Strategy<Value = Function> {
    let step = call(outcome()).prop_map(Step::Call).prop_recursive(3, 24, 3, |step| {
        prop_oneof![
            2 => step.clone(),
            2 => function(step.clone()).prop_map(Step::Function),
            1 => prop::collection::vec(step, 1..4).prop_map(Step::AtOnce),
        ]
    });
    prop::collection::vec(step, 1..5).prop_map(|steps| {
        let mut program = Function { id: 0, is_of_tool: false, steps, end: End::Succeeds };
        number(&mut program, &mut 0);
        program
    })
}

/// Gives each function and each call a number of its own.
fn number(function: &mut Function, last: &mut u64) {
    fn next(id: &mut u64, last: &mut u64) {
        *last += 1;
        *id = *last;
    }
    fn step(one: &mut Step, last: &mut u64) {
        match one {
            Step::Call(call) => next(&mut call.id, last),
            Step::Function(function) => number(function, last),
            Step::AtOnce(steps) => steps.iter_mut().for_each(|one| step(one, last)),
        }
    }
    next(&mut function.id, last);
    function.steps.iter_mut().for_each(|one| step(one, last));
    if let End::HangsIn(call) = &mut function.end {
        next(&mut call.id, last);
    }
}

/// What hangs, so that nobody gives up earlier.
#[derive(Clone, Default)]
struct Hanging(Arc<Mutex<HashMap<u64, Arc<Notify>>>>);

impl Hanging {
    fn at(&self, id: u64) -> Arc<Notify> {
        Arc::clone(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_default())
    }
}

/// A server that does what the arguments say.
#[derive(Clone)]
struct Obedient(Hanging);

impl ServerHandler for Obedient {
    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = request.arguments.unwrap_or_default();
        let id = arguments["id"].as_u64().expect("an id");
        let said = vec![ContentBlock::text(reason(id))];
        match arguments["does"].as_str() {
            Some("Answered") => Ok(CallToolResult::success(said).into()),
            Some("Refused") => Ok(CallToolResult::error(said).into()),
            Some("Broken") => Err(ErrorData::internal_error(reason(id), None)),
            _ => {
                self.0.at(id).notify_one();
                context.ct.cancelled().await;
                Ok(CallToolResult::success(said).into())
            }
        }
    }
}

fn reason(id: u64) -> String {
    format!("reason {id}")
}

struct World {
    clients: Vec<Client>,
    hanging: Hanging,
}

type Running<'a, R> = Pin<Box<dyn Future<Output = R> + Send + 'a>>;

impl World {
    async fn new() -> Self {
        let hanging = Hanging::default();
        let mut clients = Vec::new();
        for transport in BOTH {
            clients.push(connected(transport, Obedient(hanging.clone())).await);
        }
        Self { clients, hanging }
    }

    async fn call(&self, call: &Call) {
        let arguments = json!({"id": call.id, "does": format!("{:?}", call.outcome)});
        let request = request(if call.is_own { "own" } else { "other" }, arguments);
        drop(self.clients[call.server].call_tool(request).await);
    }

    async fn give_up(&self, id: u64, work: impl Future) {
        tokio::select! {
            _ = work => panic!("{id} does not end"),
            () = async { self.hanging.at(id).notified().await } => {}
        }
    }

    fn step<'a>(&'a self, step: &'a Step) -> Running<'a, ()> {
        Box::pin(async move {
            match step {
                Step::Call(call) if call.outcome == Outcome::GivenUp => {
                    self.give_up(call.id, self.call(call)).await;
                }
                Step::Call(call) => self.call(call).await,
                Step::Function(function) => {
                    let running = self.function(function);
                    match &function.end {
                        End::Hangs => self.give_up(function.id, running).await,
                        End::HangsIn(call) => self.give_up(call.id, running).await,
                        End::Succeeds | End::Fails => drop(running.await),
                    }
                }
                Step::AtOnce(steps) => drop(join_all(steps.iter().map(|step| self.step(step))).await),
            }
        })
    }

    fn function<'a>(&'a self, function: &'a Function) -> Running<'a, Result<(), String>> {
        if function.is_of_tool { Box::pin(own(self, function)) } else { Box::pin(chain(self, function)) }
    }

    async fn body(&self, function: &Function) -> Result<(), String> {
        for step in &function.steps {
            self.step(step).await;
        }
        match &function.end {
            End::Succeeds => return Ok(()),
            End::Fails => return Err(reason(function.id)),
            End::Hangs => self.hanging.at(function.id).notify_one(),
            End::HangsIn(call) => self.call(call).await,
        }
        std::future::pending().await
    }
}

#[mcp_tool(skip_all)]
async fn own(world: &World, function: &Function) -> Result<(), String> {
    world.body(function).await
}

#[chain_span(skip_all)]
async fn chain(world: &World, function: &Function) -> Result<(), String> {
    world.body(function).await
}

/// The root, whose name tells a program's trace from others.
#[chain_span(name = name.to_owned(), skip_all)]
async fn root(name: &str, world: &World, program: &Function) -> Result<(), String> {
    world.body(program).await
}

/// A span, with those below it in an order of their own.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Node {
    name: String,
    error: Option<String>,
    below: Vec<Node>,
}

impl Node {
    fn new(name: &str, error: Option<String>, mut below: Vec<Self>) -> Self {
        below.sort();
        Self { name: name.to_owned(), error, below }
    }

    fn count(&self) -> usize {
        1 + self.below.iter().map(Self::count).sum::<usize>()
    }

    fn of(spans: &[Seen], span: &Seen) -> Self {
        let below = spans.iter().filter(|one| one.is_below(span));
        Self::new(&span.name, span.error.clone(), below.map(|one| Self::of(spans, one)).collect())
    }
}

// What the docs say, as a program.

impl Call {
    fn name(&self) -> &'static str {
        if self.is_own { "tools/call own" } else { "tools/call other" }
    }

    fn error(&self) -> Option<String> {
        match self.outcome {
            Outcome::Answered => None,
            Outcome::Refused | Outcome::Broken => Some(reason(self.id)),
            Outcome::GivenUp => Some("cancelled".to_owned()),
        }
    }

    fn served(&self) -> Node {
        Node::new(self.name(), self.error(), Vec::new())
    }

    fn made(&self, below: Vec<Node>) -> Node {
        Node::new(self.name(), self.error(), below)
    }
}

/// What a function does itself, in the order of beginning; the number tells what happens at the same time.
enum Deed<'a> {
    Call(usize, &'a Call),
    Function(usize, &'a Function),
}

impl Deed<'_> {
    const fn group(&self) -> usize {
        match self {
            Self::Call(group, _) | Self::Function(group, _) => *group,
        }
    }

    /// Whether it is the call of a tool, here or on a server.
    const fn is_of_tool(&self) -> bool {
        match self {
            Self::Call(..) => true,
            Self::Function(_, function) => function.is_of_tool,
        }
    }
}

impl Function {
    fn deeds(&self) -> Vec<Deed<'_>> {
        fn add<'a>(deeds: &mut Vec<Deed<'a>>, group: usize, step: &'a Step) {
            match step {
                Step::Call(call) => deeds.push(Deed::Call(group, call)),
                Step::Function(function) => deeds.push(Deed::Function(group, function)),
                Step::AtOnce(steps) => steps.iter().for_each(|step| add(deeds, group, step)),
            }
        }
        let mut deeds = Vec::new();
        for (group, step) in self.steps.iter().enumerate() {
            add(&mut deeds, group, step);
        }
        if let End::HangsIn(call) = &self.end {
            deeds.push(Deed::Call(self.steps.len(), call));
        }
        deeds
    }

    /// The first call of the function's own tool, and whether it is a part of the function's span.
    fn first_call(&self) -> Option<(u64, bool)> {
        let deeds = self.deeds();
        let mut own = deeds.iter().enumerate().filter_map(|(place, deed)| match deed {
            Deed::Call(group, call) if call.is_own && self.is_of_tool => Some((place, *group, *call)),
            _ => None,
        });
        let (place, group, call) = own.next()?;
        let is_answered = call.outcome == Outcome::Answered;
        let mut later = deeds[place + 1..].iter().filter(|deed| deed.is_of_tool());
        let is_alone = own.next().is_none() && !later.any(|deed| deed.group() == group || !is_answered);
        let ends_alike = match (&self.end, call.outcome) {
            (_, Outcome::Answered) | (End::Fails, Outcome::Refused | Outcome::Broken) => true,
            (End::HangsIn(last), Outcome::GivenUp) => last.id == call.id,
            _ => false,
        };
        Some((call.id, is_alone && ends_alike))
    }

    fn expected(&self, name: &str) -> Node {
        let first = self.first_call();
        let mut below = Vec::new();
        for deed in self.deeds() {
            match deed {
                Deed::Function(_, function) => {
                    below.push(function.expected(if function.is_of_tool { "own" } else { "chain" }));
                }
                Deed::Call(_, call) => match first {
                    Some((id, true)) if id == call.id => below.push(call.served()),
                    Some((id, false)) if id == call.id => {
                        below.extend([call.made(Vec::new()), call.served()]);
                    }
                    _ => below.push(call.made(vec![call.served()])),
                },
            }
        }
        let error = match &self.end {
            End::Succeeds => None,
            End::Fails => Some(reason(self.id)),
            End::Hangs | End::HangsIn(_) => Some("cancelled".to_owned()),
        };
        Node::new(name, error, below)
    }
}

/// Runs a program, waits until `spans` has all its spans, and compares them with what the structure says.
async fn check(
    name: &str,
    world: &World,
    program: &Function,
    spans: impl Fn() -> Vec<Seen>,
) -> Result<(), TestCaseError> {
    let _ = root(name, world, program).await;
    let expected = program.expected(name);
    let seen = || {
        let mut all = spans();
        let trace = all.iter().find(|span| span.name == name).cloned();
        all.retain(|span| trace.as_ref().is_some_and(|root| root.is_of_trace(span)));
        (trace, all)
    };
    for _ in 0..500 {
        if seen().1.len() >= expected.count() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let (root, all) = seen();
    let root = root.ok_or_else(|| TestCaseError::fail("no root"))?;
    prop_assert_eq!(all.len(), expected.count(), "{:#?}\n{:#?}", all, expected);
    prop_assert_eq!(Node::of(&all, &root), expected);
    Ok(())
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 400, ..ProptestConfig::default() }
}

#[test]
fn spans_have_the_structure_of_the_program() {
    let runtime = runtime();
    let world = runtime.block_on(World::new());
    let result = TestRunner::new(config(200)).run(&program(), |program| {
        runtime.block_on(async {
            let capturing = capture();
            let spans = || capturing.spans().iter().map(Seen::from).collect();
            check("program", &world, &program, spans).await
        })
    });
    result.unwrap_or_else(|failed| panic!("{failed}"));
}

/// The same over `init`, where a span that lost its context would show.
#[test]
fn spans_that_are_sent_have_the_structure_of_the_program() {
    const NAME: &str = "programs::spans_that_are_sent_have_the_structure_of_the_program";
    if in_own_process(NAME, &[("OTEL_BSP_SCHEDULE_DELAY", "20")]).is_some() {
        return;
    }
    let receiver = Receiver::start();
    let telemetry =
        Telemetry::builder().endpoint(receiver.endpoint()).tracing(false).init().expect("telemetry");
    let runtime = runtime();
    let world = runtime.block_on(World::new());
    let count = std::cell::Cell::new(0);
    let result = TestRunner::new(config(60)).run(&program(), |program| {
        count.set(count.get() + 1);
        let name = format!("program {}", count.get());
        let spans = || receiver.spans().iter().map(Seen::from).collect();
        runtime.block_on(check(&name, &world, &program, spans))
    });
    result.unwrap_or_else(|failed| panic!("{failed}"));
    telemetry.shutdown(Duration::from_secs(5));
    // No span is beside the traces of the programs.
    let spans = receiver.spans();
    let roots: Vec<_> = spans.iter().filter(|span| span.parent_span_id.is_empty()).collect();
    assert!(roots.iter().all(|span| span.name.starts_with("program ")), "{roots:?}");
}
