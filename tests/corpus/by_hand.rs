//! Functions that return a future that they write, box or get themselves.

use std::future::{Future, IntoFuture, Ready, ready};
use std::pin::Pin;
use std::rc::Rc;

use futures::FutureExt as _;
use futures::future::{BoxFuture, Either, LocalBoxFuture, TryFutureExt as _};

use crate::log::{Log, Loud, abandon, note, pause, wait};
use crate::observe;

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

#[observe]
fn opaque(n: u8) -> impl Future<Output = u8> {
    async move {
        pause().await;
        n
    }
}

#[observe]
fn opaque_with_statements(n: u8) -> impl Future<Output = u8> + Send + 'static {
    let doubled = n * 2;
    note("before the future");
    async move {
        pause().await;
        doubled
    }
}

#[observe]
fn opaque_that_borrows<'a>(text: &'a str) -> impl Future<Output = &'a str> + 'a {
    async move { &text[1..] }
}

#[observe]
fn opaque_that_borrows_nothing(text: &str) -> impl Future<Output = usize> + use<> {
    let length = text.len();
    async move { length }
}

#[observe]
fn opaque_and_fallible(n: u8) -> impl Future<Output = Result<u8, String>> {
    async move {
        if n == 0 {
            return Err("zero".to_owned());
        }
        Ok(n)
    }
}

#[observe]
fn opaque_by_a_call(n: u8) -> impl Future<Output = u8> {
    ready(n + 1)
}

#[observe]
fn opaque_by_a_combinator(n: u8) -> impl Future<Output = Result<String, ()>> {
    async move { Ok(n) }.map_ok(|n: u8| n.to_string())
}

#[observe]
fn opaque_from_branches(n: u8) -> impl Future<Output = u8> {
    if n == 0 {
        return Either::Left(ready(0));
    }
    Either::Right(async move {
        pause().await;
        n
    })
}

#[observe]
fn opaque_by_an_observed_function(n: u8) -> impl Future<Output = u8> {
    opaque(n)
}

#[observe]
fn opaque_and_not_send(n: u8) -> impl Future<Output = u8> {
    let shared = Rc::new(n);
    async move {
        pause().await;
        *shared
    }
}

#[observe]
fn opaque_and_generic<T: Clone + Send>(value: T) -> impl Future<Output = (T, T)> + Send {
    async move { (value.clone(), value) }
}

#[observe]
fn opaque_of_an_opaque(n: u8) -> impl Future<Output = impl Iterator<Item = u8>> {
    async move { 0..n }
}

#[observe]
fn opaque_and_unpin(n: u8) -> impl Future<Output = u8> + Unpin {
    Box::pin(async move { n })
}

#[observe]
fn opaque_of_nothing(text: &'static str) -> impl Future<Output = ()> {
    async move { note(text) }
}

#[observe]
fn opaque_with_a_path(n: u8) -> impl core::future::Future<Output = Option<u8>> {
    async move { n.checked_sub(1) }
}

#[observe]
fn opaque_that_panics_before(n: u8) -> impl Future<Output = u8> {
    assert!(n > 3, "{n} is too small");
    async move { n }
}

#[observe]
fn opaque_that_panics_after(n: u8) -> impl Future<Output = u8> {
    async move {
        pause().await;
        assert!(n > 3, "{n} is too small");
        n
    }
}

#[observe]
fn boxed(n: u8) -> Pin<Box<dyn Future<Output = u8>>> {
    Box::pin(async move {
        pause().await;
        n
    })
}

#[observe]
fn boxed_and_send<'a>(text: &'a str) -> Pin<Box<dyn Future<Output = &'a str> + Send + 'a>> {
    Box::pin(async move { &text[1..] })
}

#[observe]
fn boxed_with_elided_lifetimes(text: &str) -> Pin<Box<dyn Future<Output = usize> + Send + '_>> {
    Box::pin(async move { text.len() })
}

#[observe]
fn boxed_with_statements(mut text: String) -> Pin<Box<dyn Future<Output = String> + Send>> {
    text.push('!');
    note(&text);
    Box::pin(async move { text })
}

#[observe]
fn boxed_with_an_early_return(n: u8) -> Pin<Box<dyn Future<Output = u8> + Send>> {
    if n == 0 {
        return Box::pin(ready(0));
    }
    Box::pin(async move {
        pause().await;
        n
    })
}

#[observe]
fn boxed_in_branches(n: u8) -> Pin<Box<dyn Future<Output = Result<u8, String>>>> {
    match n {
        0 => Box::pin(async { Err("zero".to_owned()) }),
        1 => boxed(1).map(Ok).boxed_local(),
        n => Box::pin(ready(Ok(n))),
    }
}

#[observe]
fn boxed_by_a_call(n: u8) -> Pin<Box<dyn Future<Output = u8>>> {
    boxed(n)
}

#[observe]
fn boxed_in_a_variable(n: u8) -> Pin<Box<dyn Future<Output = u8>>> {
    let future = Box::pin(async move { n });
    note("boxed");
    future
}

#[observe]
fn boxed_future_of_futures<'a>(text: &'a str) -> BoxFuture<'a, Result<usize, String>> {
    if text.is_empty() {
        return async { Err("empty".to_owned()) }.boxed();
    }
    async move {
        pause().await;
        Ok(text.len())
    }
    .boxed()
}

#[observe]
fn local_boxed_future_of_futures(shared: Rc<u8>) -> LocalBoxFuture<'static, u8> {
    async move { *shared }.boxed_local()
}

#[observe]
fn boxed_future_by_its_path(n: u8) -> ::futures::future::BoxFuture<'static, u8> {
    Box::pin(ready(n))
}

#[observe]
fn boxed_behind_an_alias(n: u8) -> Boxed<'static, u8> {
    Box::pin(async move { n })
}

#[observe]
fn recursive(n: u8) -> Pin<Box<dyn Future<Output = u32>>> {
    Box::pin(async move {
        if n == 0 {
            return 1;
        }
        recursive(n - 1).await * u32::from(n)
    })
}

#[observe]
fn boxed_and_generic<'a, T, F>(value: &'a T, call: F) -> Pin<Box<dyn Future<Output = T> + Send + 'a>>
where
    T: Clone + Send + Sync,
    F: FnOnce(&T) + Send + 'a,
{
    Box::pin(async move {
        call(value);
        value.clone()
    })
}

#[observe]
fn boxed_and_abandoned(_argument: Loud) -> Pin<Box<dyn Future<Output = ()>>> {
    Box::pin(async {
        let _local = Loud("local");
        std::future::pending::<()>().await;
    })
}

#[observe]
fn boxed_in_a_box(n: u8) -> Box<dyn Future<Output = u8> + Unpin> {
    Box::new(ready(n))
}

#[observe]
fn future_with_a_name(n: u8) -> Ready<u8> {
    ready(n)
}

#[observe]
fn future_in_an_option(n: u8) -> Option<impl Future<Output = u8>> {
    (n > 0).then(|| ready(n))
}

#[observe]
fn into_a_future(n: u8) -> impl IntoFuture<Output = u8> {
    ready(n)
}

struct Client {
    name: String,
}

impl Client {
    #[observe]
    fn opaque(&self) -> impl Future<Output = usize> + '_ {
        async move { self.name.len() }
    }

    #[observe]
    fn opaque_by_mutable_reference<'a>(&'a mut self, more: &'a str) -> impl Future<Output = &'a str> + 'a {
        self.name.push_str(more);
        async move {
            pause().await;
            self.name.push('!');
            self.name.as_str()
        }
    }

    #[observe]
    fn boxed<'a>(&'a self, more: &'a str) -> Boxed<'a, String> {
        Box::pin(async move { format!("{}{more}", self.name) })
    }

    #[observe]
    fn boxed_by_value(self: Box<Self>) -> Pin<Box<dyn Future<Output = Result<String, ()>> + Send>> {
        if self.name.is_empty() {
            return Box::pin(async { Err(()) });
        }
        Box::pin(async move { Ok(self.name) })
    }
}

trait Connects {
    fn connect<'a>(&'a self, to: &'a str) -> Pin<Box<dyn Future<Output = String> + Send + 'a>>;

    #[observe]
    fn connect_to_itself(&self) -> Pin<Box<dyn Future<Output = String> + Send + '_>> {
        self.connect("itself")
    }
}

impl Connects for Client {
    #[observe]
    fn connect<'a>(&'a self, to: &'a str) -> Pin<Box<dyn Future<Output = String> + Send + 'a>> {
        Box::pin(async move {
            pause().await;
            format!("{} to {to}", self.name)
        })
    }
}

fn client() -> Client {
    Client { name: "client".into() }
}

pub(crate) fn drive(log: &mut Log) {
    drive_opaque(log);
    drive_boxed(log);
    drive_methods(log);
}

fn drive_opaque(log: &mut Log) {
    log.shape("opaque", || wait!(opaque(1)));
    log.shape("opaque_with_statements", || wait!(opaque_with_statements(1)));
    log.shape("opaque_that_borrows", || wait!(opaque_that_borrows("abc")));
    log.shape("opaque_that_borrows_nothing", || wait!(opaque_that_borrows_nothing("abc")));
    log.calls(2, "opaque_and_fallible", || [0, 1].map(|n| wait!(opaque_and_fallible(n))));
    log.shape("opaque_by_a_call", || wait!(opaque_by_a_call(1)));
    log.shape("opaque_by_a_combinator", || wait!(opaque_by_a_combinator(1)));
    log.calls(2, "opaque_from_branches", || [0, 1].map(|n| wait!(opaque_from_branches(n))));
    log.tree(
        "CHAIN opaque_by_an_observed_function\n  CHAIN opaque\n",
        "opaque_by_an_observed_function",
        || wait!(opaque_by_an_observed_function(1)),
    );
    log.shape("opaque_and_not_send", || wait!(opaque_and_not_send(1)));
    log.shape("opaque_and_generic", || wait!(opaque_and_generic("x")));
    log.shape("opaque_of_an_opaque", || wait!(opaque_of_an_opaque(3)).count());
    log.shape("opaque_and_unpin", || wait!(Box::pin(opaque_and_unpin(1))));
    log.shape("opaque_of_nothing", || wait!(opaque_of_nothing("nothing")));
    log.shape("opaque_with_a_path", || wait!(opaque_with_a_path(1)));
    log.tree("CHAIN opaque_that_panics_before ! 3 is too small\n", "opaque_that_panics_before", || {
        wait!(opaque_that_panics_before(3))
    });
    log.shape("opaque_that_panics_after", || wait!(opaque_that_panics_after(3)));
    log.shape("opaque_and_abandoned", || abandon!(opaque(1)));
    log.shape("opaque_and_never_polled", || drop(opaque_with_statements(1)));
}

fn drive_boxed(log: &mut Log) {
    log.shape("boxed", || wait!(boxed(1)));
    log.shape("boxed_and_send", || wait!(boxed_and_send("abc")));
    log.shape("boxed_with_elided_lifetimes", || wait!(boxed_with_elided_lifetimes("abc")));
    log.shape("boxed_with_statements", || wait!(boxed_with_statements("abc".into())));
    log.calls(2, "boxed_with_an_early_return", || [0, 1].map(|n| wait!(boxed_with_an_early_return(n))));
    log.calls(4, "boxed_in_branches", || [0, 1, 2].map(|n| wait!(boxed_in_branches(n))));
    log.tree("CHAIN boxed_by_a_call\n  CHAIN boxed\n", "boxed_by_a_call", || wait!(boxed_by_a_call(1)));
    log.shape("boxed_in_a_variable", || wait!(boxed_in_a_variable(1)));
    log.calls(2, "boxed_future_of_futures", || ["", "x"].map(|text| wait!(boxed_future_of_futures(text))));
    log.shape("local_boxed_future_of_futures", || wait!(local_boxed_future_of_futures(Rc::new(1))));
    log.shape("boxed_future_by_its_path", || wait!(boxed_future_by_its_path(1)));
    log.shape("boxed_behind_an_alias", || wait!(boxed_behind_an_alias(1)));
    log.calls(4, "recursive", || wait!(recursive(3)));
    log.shape("boxed_and_generic", || wait!(boxed_and_generic(&7, |n| note(n))));
    log.tree("CHAIN boxed_and_abandoned ! cancelled\n", "boxed_and_abandoned", || {
        abandon!(boxed_and_abandoned(Loud("argument")))
    });
    log.shape("boxed_in_a_box", || wait!(boxed_in_a_box(1)));
    log.shape("future_with_a_name", || wait!(future_with_a_name(1)));
    log.calls(2, "future_in_an_option", || {
        [0, 1].map(|n| future_in_an_option(n).map(|future| wait!(future)))
    });
    log.shape("into_a_future", || wait!(into_a_future(1).into_future()));
}

fn drive_methods(log: &mut Log) {
    log.shape("method_that_is_opaque", || wait!(client().opaque()));
    log.shape("method_that_is_opaque_by_mutable_reference", || {
        wait!(client().opaque_by_mutable_reference("x")).to_owned()
    });
    log.shape("method_that_is_boxed", || wait!(client().boxed("x")));
    log.shape("method_that_is_boxed_by_value", || wait!(Box::new(client()).boxed_by_value()));
    log.calls(2, "method_of_a_trait", || wait!(client().connect_to_itself()));
}
