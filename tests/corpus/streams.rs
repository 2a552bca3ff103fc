//! Functions that return a stream.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use futures::stream::{self, BoxStream, LocalBoxStream, Stream, StreamExt as _};

use crate::log::{Log, Loud, collect, note, pause, wait};
use crate::observe;

fn numbers(upto: u8) -> impl Stream<Item = u8> {
    stream::unfold(0, move |n| async move {
        pause().await;
        (n < upto).then_some((n, n + 1))
    })
}

#[observe(stream)]
fn opaque(n: u8) -> impl Stream<Item = u8> {
    numbers(n)
}

#[observe]
fn opaque_and_found_out(n: u8) -> impl Stream<Item = u8> + Send {
    note("before the stream");
    numbers(n).map(|n| n * 2)
}

#[observe]
fn opaque_that_borrows<'a>(text: &'a str) -> impl Stream<Item = char> + 'a {
    stream::iter(text.chars())
}

#[observe]
fn opaque_of_results(n: u8) -> impl Stream<Item = Result<u8, String>> {
    numbers(n).map(|n| if n == 1 { Err("one".to_owned()) } else { Ok(n) })
}

#[observe]
fn opaque_and_not_send(shared: Rc<u8>) -> impl Stream<Item = u8> {
    stream::iter([1, 2]).map(move |n| n + *shared)
}

#[observe]
fn opaque_and_generic<T: Clone>(value: T, count: usize) -> impl Stream<Item = T> {
    stream::iter(vec![value; count])
}

#[observe]
fn opaque_with_an_early_return(n: u8) -> impl Stream<Item = u8> {
    if n == 0 {
        return stream::iter(vec![]);
    }
    stream::iter(vec![n])
}

#[observe]
fn boxed(n: u8) -> Pin<Box<dyn Stream<Item = u8>>> {
    Box::pin(numbers(n))
}

#[observe]
fn boxed_and_send<'a>(text: &'a str) -> Pin<Box<dyn Stream<Item = char> + Send + 'a>> {
    if text.is_empty() {
        return Box::pin(stream::empty());
    }
    Box::pin(stream::iter(text.chars()))
}

#[observe]
fn boxed_stream(n: u8) -> BoxStream<'static, u8> {
    numbers(n).boxed()
}

#[observe]
fn boxed_stream_by_its_path(n: u8) -> ::futures::stream::BoxStream<'static, u8> {
    if n == 0 { stream::empty().boxed() } else { stream::iter([n]).boxed() }
}

#[observe]
fn local_boxed_stream(shared: Rc<u8>) -> LocalBoxStream<'static, u8> {
    stream::iter([1, 2]).map(move |n| n + *shared).boxed_local()
}

#[observe]
fn opaque_in_a_result(n: u8) -> Result<impl Stream<Item = u8>, String> {
    if n == 0 {
        return Err("zero".into());
    }
    Ok(numbers(n))
}

#[observe]
fn boxed_in_a_result(n: u8) -> Result<BoxStream<'static, u8>, String> {
    match n {
        0 => Err("zero".into()),
        1 => Ok(stream::iter([7]).boxed()),
        n => Ok(Box::pin(numbers(n))),
    }
}

#[observe]
async fn opaque_later(n: u8) -> impl Stream<Item = u8> {
    pause().await;
    numbers(n)
}

#[observe]
async fn boxed_later_in_a_result(n: u8) -> Result<BoxStream<'static, u8>, String> {
    pause().await;
    if n == 0 {
        Err("zero")?;
    }
    Ok(numbers(n).boxed())
}

#[observe]
async fn opaque_later_in_a_result(n: u8) -> Result<impl Stream<Item = u8>, String> {
    let n = n.checked_sub(1).ok_or("zero")?;
    pause().await;
    Ok(numbers(n))
}

#[observe]
async fn boxed_dynamically_later_in_a_result(
    n: u8,
) -> Result<Pin<Box<dyn Stream<Item = Result<u8, String>> + Send>>, Box<dyn std::error::Error>> {
    if n == 0 {
        return Err("zero".into());
    }
    Ok(Box::pin(numbers(n).map(Ok)))
}

#[observe]
fn future_of_a_boxed_stream(n: u8) -> impl Future<Output = Result<BoxStream<'static, u8>, String>> {
    async move { if n == 0 { Err("zero".into()) } else { Ok(numbers(n).boxed()) } }
}

#[observe]
fn abandoned(argument: Loud) -> impl Stream<Item = u8> {
    numbers(9).map(move |n| n + u8::try_from(argument.0.len()).unwrap())
}

#[observe]
fn panics(n: u8) -> impl Stream<Item = u8> {
    numbers(n).inspect(|n| assert!(*n < 1, "{n} is too big"))
}

#[observe]
async fn step(n: u8) -> u8 {
    pause().await;
    n
}

#[observe]
fn opaque_with_steps(n: u8) -> impl Stream<Item = u8> {
    stream::iter(0..n).then(step)
}

#[observe]
fn boxed_with_steps(n: u8) -> Result<BoxStream<'static, u8>, String> {
    Ok(stream::iter(0..n).then(step).boxed())
}

#[observe]
async fn later_with_steps(n: u8) -> Result<BoxStream<'static, u8>, String> {
    let n = step(n).await;
    Ok(stream::iter(0..n).then(step).boxed())
}

struct Client {
    words: Vec<String>,
}

impl Client {
    #[observe]
    fn opaque(&self) -> impl Stream<Item = &str> {
        stream::iter(&self.words).map(String::as_str)
    }

    #[observe]
    fn boxed(&mut self, word: &str) -> BoxStream<'_, usize> {
        self.words.push(word.to_owned());
        stream::iter(&self.words).map(String::len).boxed()
    }

    #[observe]
    async fn later(&self) -> Result<BoxStream<'_, &str>, String> {
        pause().await;
        Ok(stream::iter(&self.words).map(String::as_str).boxed())
    }
}

#[async_trait::async_trait]
trait Streams {
    async fn stream(&self, n: u8) -> Result<BoxStream<'static, u8>, String>;
}

#[async_trait::async_trait]
impl Streams for Client {
    #[observe]
    async fn stream(&self, n: u8) -> Result<BoxStream<'static, u8>, String> {
        if n == 0 {
            return Err("zero".into());
        }
        Ok(numbers(n).boxed())
    }
}

fn client() -> Client {
    Client { words: vec!["a".into(), "bc".into()] }
}

pub(crate) fn drive(log: &mut Log) {
    drive_functions(log);
    drive_fallible_functions(log);
    drive_methods(log);
}

fn drive_functions(log: &mut Log) {
    log.shape("opaque", || collect!(opaque(3)));
    log.shape("opaque_and_found_out", || collect!(opaque_and_found_out(3)));
    log.shape("opaque_that_borrows", || collect!(opaque_that_borrows("abc")));
    log.shape("opaque_of_results", || collect!(opaque_of_results(3)));
    log.shape("opaque_and_not_send", || collect!(opaque_and_not_send(Rc::new(1))));
    log.shape("opaque_and_generic", || collect!(opaque_and_generic('x', 2)));
    log.calls(2, "opaque_with_an_early_return", || [0, 1].map(|n| collect!(opaque_with_an_early_return(n))));
    log.shape("boxed", || collect!(boxed(3)));
    log.calls(2, "boxed_and_send", || ["", "ab"].map(|text| collect!(boxed_and_send(text))));
    log.shape("boxed_stream", || collect!(boxed_stream(3)));
    log.calls(2, "boxed_stream_by_its_path", || [0, 1].map(|n| collect!(boxed_stream_by_its_path(n))));
    log.shape("local_boxed_stream", || collect!(local_boxed_stream(Rc::new(1))));
    log.shape("size_hint", || boxed_stream_by_its_path(1).size_hint());
    log.shape("abandoned", || collect!(abandoned(Loud("argument")).take(2)));
    log.shape("dropped_before_its_start", || drop(abandoned(Loud("argument"))));
    log.shape("panics", || collect!(panics(3)));
}

fn drive_fallible_functions(log: &mut Log) {
    log.calls(2, "opaque_in_a_result", || {
        [0, 2].map(|n| opaque_in_a_result(n).map(|stream| collect!(stream)))
    });
    log.calls(3, "boxed_in_a_result", || {
        [0, 1, 2].map(|n| boxed_in_a_result(n).map(|stream| collect!(stream)))
    });
    log.tree("CHAIN opaque_with_steps\n  CHAIN step\n  CHAIN step\n", "opaque_with_steps", || {
        collect!(opaque_with_steps(2))
    });
    log.tree("CHAIN boxed_with_steps\n  CHAIN step\n  CHAIN step\n", "boxed_with_steps", || {
        boxed_with_steps(2).map(|stream| collect!(stream))
    });
    log.tree("CHAIN later_with_steps\n  CHAIN step\n  CHAIN step\n", "later_with_steps", || {
        wait!(later_with_steps(1)).map(|stream| collect!(stream))
    });
    log.shape("opaque_later", || collect!(wait!(opaque_later(3))));
    log.calls(2, "boxed_later_in_a_result", || {
        [0, 2].map(|n| wait!(boxed_later_in_a_result(n)).map(|stream| collect!(stream)))
    });
    log.calls(2, "opaque_later_in_a_result", || {
        [0, 3].map(|n| wait!(opaque_later_in_a_result(n)).map(|stream| collect!(stream)))
    });
    log.calls(2, "boxed_dynamically_later_in_a_result", || {
        [0, 2].map(|n| wait!(boxed_dynamically_later_in_a_result(n)).map(|stream| collect!(stream)))
    });
    log.calls(2, "future_of_a_boxed_stream", || {
        [0, 2].map(|n| wait!(future_of_a_boxed_stream(n)).map(|stream| collect!(stream)))
    });
}

fn drive_methods(log: &mut Log) {
    log.shape("method_that_is_opaque", || collect!(client().opaque()).len());
    log.shape("method_that_is_boxed", || collect!(client().boxed("def")));
    log.shape("method_that_waits", || {
        let client = client();
        wait!(client.later()).map(|stream| collect!(stream).len())
    });
    log.calls(2, "method_of_an_async_trait", || {
        [0, 2].map(|n| wait!(client().stream(n)).map(|stream| collect!(stream)))
    });
}
