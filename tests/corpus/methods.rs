//! Methods: every receiver, and every kind of `impl`.

use std::fmt;
use std::future::Future;
use std::ops::{Add, AddAssign, Deref, DerefMut, Index, Neg};
use std::pin::Pin;
use std::rc::Rc;
use std::str::FromStr;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::log::{Log, Loud, note, pause, wait};
use crate::observe;

#[derive(Clone, Debug, Default, PartialEq)]
struct Cart {
    items: Vec<String>,
}

fn cart() -> Cart {
    Cart { items: vec!["lamp".into()] }
}

impl Cart {
    const LIMIT: usize = 3;

    #[observe]
    fn associated(items: &[&str]) -> Self {
        Self { items: items.iter().copied().map(String::from).collect() }
    }

    #[observe]
    pub(crate) fn by_reference(&self, suffix: &str) -> String {
        self.items.join(suffix)
    }

    #[observe]
    fn by_mutable_reference(&mut self, item: &str) -> usize {
        self.items.push(item.to_owned());
        self.items.len()
    }

    #[observe]
    fn by_value(self) -> Vec<String> {
        self.items
    }

    #[observe]
    fn by_mutable_value(mut self, item: &str) -> Self {
        self.items.push(item.to_owned());
        self
    }

    #[observe]
    fn in_a_box(self: Box<Self>) -> Cart {
        *self
    }

    #[observe]
    fn in_a_mutable_box(mut self: Box<Self>) -> Box<Self> {
        self.items.clear();
        self
    }

    #[observe]
    fn in_an_rc(self: Rc<Self>) -> usize {
        Rc::strong_count(&self)
    }

    #[observe]
    fn in_an_arc(self: Arc<Self>) -> Arc<Self> {
        Arc::clone(&self)
    }

    #[observe]
    fn in_a_borrowed_arc(self: &Arc<Self>) -> usize {
        Arc::strong_count(self)
    }

    #[observe]
    fn pinned(self: Pin<&mut Self>) -> &mut Vec<String> {
        &mut self.get_mut().items
    }

    #[observe]
    fn pinned_and_mutable(mut self: Pin<&mut Self>) -> usize {
        self.items.push("pin".into());
        self.as_mut().items.len()
    }

    #[observe]
    fn pinned_in_an_arc(self: Pin<Arc<Self>>) -> usize {
        self.items.len()
    }

    #[observe]
    #[allow(clippy::needless_arbitrary_self_type)]
    fn typed(self: Self) -> usize {
        self.items.len()
    }

    #[observe]
    #[allow(clippy::needless_arbitrary_self_type)]
    fn typed_reference(self: &Self) -> usize {
        self.items.len()
    }

    #[observe]
    #[allow(clippy::needless_arbitrary_self_type)]
    fn typed_mutable_reference(self: &mut Self) {
        self.items.clear();
    }

    #[observe]
    fn mutable_reference_to_a_reference(mut self: &Self, other: &'static Self) -> usize {
        if self.items.is_empty() {
            self = other;
        }
        self.items.len()
    }

    #[observe]
    fn with_a_lifetime<'a>(&'a self, other: &'a str) -> &'a str {
        self.items.first().map_or(other, String::as_str)
    }

    #[observe]
    fn constant_of_itself(&self) -> bool {
        self.items.len() < Self::LIMIT
    }

    #[observe]
    fn itself_as_a_type(&self) -> Option<Result<Self, Self>> {
        let Self { items } = self;
        Some(if items.is_empty() { Err(Self::default()) } else { Ok(Self { items: items.clone() }) })
    }

    #[observe]
    fn recursive(&self, depth: usize) -> usize {
        if depth == 0 { self.items.len() } else { self.recursive(depth - 1) + 1 }
    }

    #[observe(fields("before" = self.items.len(), "after" = output.len()), name = self.items.join(","))]
    fn recorded(&mut self) -> &mut Vec<String> {
        self.items.push("more".into());
        &mut self.items
    }

    #[observe]
    async fn later(&self, suffix: &str) -> String {
        pause().await;
        self.items.join(suffix)
    }

    #[observe]
    async fn later_by_mutable_reference(&mut self) -> &mut Self {
        pause().await;
        self.items.push("later".into());
        self
    }

    #[observe]
    async fn later_by_value(mut self) -> Self {
        pause().await;
        self.items.push("later".into());
        self
    }

    #[observe]
    async fn later_in_an_arc(self: Arc<Self>) -> usize {
        pause().await;
        self.items.len()
    }

    #[observe]
    async fn later_in_a_borrowed_arc(self: &Arc<Self>) -> Arc<Self> {
        pause().await;
        Arc::clone(self)
    }

    #[observe]
    async fn later_pinned(self: Pin<&mut Self>) -> usize {
        pause().await;
        self.get_mut().items.len()
    }

    #[observe]
    async fn later_in_a_box(self: Box<Self>) -> Self {
        pause().await;
        *self
    }
}

struct Holder<'a, T, const N: usize> {
    held: [&'a T; N],
}

impl<'a, T: fmt::Debug, const N: usize> Holder<'a, T, N> {
    #[observe]
    fn all(&self) -> [&'a T; N] {
        self.held
    }

    #[observe]
    fn mapped<U>(&self, map: impl Fn(&T) -> U) -> Vec<U> {
        self.held.iter().map(|held| map(held)).collect()
    }
}

trait Speaks {
    const LOUD: bool;
    type Words: fmt::Debug;

    fn words(&self) -> Self::Words;

    #[observe]
    fn speaks(&self) -> String {
        format!("{:?}{}", self.words(), Self::LOUD)
    }

    #[observe]
    fn consumed(self) -> Option<Self::Words>
    where
        Self: Sized,
    {
        Some(self.words())
    }

    #[observe]
    fn of_the_trait(n: u8) -> u8
    where
        Self: Sized,
    {
        n + u8::from(Self::LOUD)
    }
}

impl Speaks for Cart {
    const LOUD: bool = true;
    type Words = Vec<String>;

    #[observe]
    fn words(&self) -> Self::Words {
        self.items.clone()
    }
}

impl Speaks for &u8 {
    const LOUD: bool = false;
    type Words = u8;

    #[observe]
    fn words(&self) -> u8 {
        **self
    }

    #[observe]
    fn speaks(&self) -> String {
        "a number".into()
    }
}

trait Draws {
    fn draws(&self) -> String;

    #[observe]
    fn draws_twice(&self) -> String {
        self.draws() + &self.draws()
    }
}

impl Draws for u8 {
    #[observe]
    fn draws(&self) -> String {
        self.to_string()
    }
}

impl<T: Draws + ?Sized> Draws for Box<T> {
    #[observe]
    fn draws(&self) -> String {
        (**self).draws()
    }
}

impl dyn Draws {
    #[observe]
    fn of_the_object(&self) -> usize {
        self.draws().len()
    }
}

/// # Safety
///
/// Nothing is asked for.
unsafe trait Promises {
    /// # Safety
    ///
    /// Nothing is asked for.
    unsafe fn promises(&self) -> u8;
}

// SAFETY: nothing is promised.
unsafe impl Promises for u8 {
    #[observe]
    unsafe fn promises(&self) -> u8 {
        *self
    }
}

trait AsyncTrait {
    async fn runs(&self, n: u8) -> u8;

    #[observe]
    async fn runs_twice(&self, n: u8) -> u8 {
        self.runs(n).await + self.runs(n).await
    }

    fn promised(&self) -> impl Future<Output = u8> + Send;
}

impl AsyncTrait for u8 {
    #[observe]
    async fn runs(&self, n: u8) -> u8 {
        pause().await;
        self + n
    }

    #[observe]
    fn promised(&self) -> impl Future<Output = u8> + Send {
        let n = *self;
        async move { n }
    }
}

#[derive(Debug)]
struct Number(i32);

impl Add for Number {
    type Output = Self;

    #[observe]
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Neg for Number {
    type Output = Number;

    #[observe]
    fn neg(self) -> Self::Output {
        Number(-self.0)
    }
}

impl AddAssign<i32> for Number {
    #[observe]
    fn add_assign(&mut self, other: i32) {
        self.0 += other;
    }
}

impl PartialEq for Number {
    #[observe]
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl From<i32> for Number {
    #[observe]
    fn from(n: i32) -> Self {
        Self(n)
    }
}

impl FromStr for Number {
    type Err = std::num::ParseIntError;

    #[observe]
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl fmt::Display for Number {
    #[observe]
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "<{}>", self.0)
    }
}

impl Iterator for Number {
    type Item = i32;

    #[observe]
    fn next(&mut self) -> Option<Self::Item> {
        self.0 -= 1;
        (self.0 > 0).then_some(self.0)
    }
}

impl Deref for Cart {
    type Target = Vec<String>;

    #[observe]
    fn deref(&self) -> &Self::Target {
        &self.items
    }
}

impl DerefMut for Cart {
    #[observe]
    fn deref_mut(&mut self) -> &mut Vec<String> {
        &mut self.items
    }
}

impl Index<&str> for Cart {
    type Output = String;

    #[observe]
    fn index(&self, name: &str) -> &String {
        self.items.iter().find(|item| *item == name).expect("the item is there")
    }
}

struct Closing(#[expect(dead_code, reason = "it is dropped")] Loud);

impl Drop for Closing {
    #[observe]
    fn drop(&mut self) {
        note("closing");
    }
}

struct Countdown(u8);

impl Future for Countdown {
    type Output = Result<&'static str, u8>;

    #[observe]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.0 == 0 {
            return Poll::Ready(Ok("lift off"));
        }
        self.0 -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

enum Either {
    Left(u8),
    Right,
}

impl Either {
    #[observe]
    fn of_an_enumeration(&self) -> Option<&u8> {
        match self {
            Self::Left(n) => Some(n),
            Self::Right => None,
        }
    }
}

trait Extension {
    #[observe]
    fn extended(&self) -> String
    where
        Self: fmt::Debug,
    {
        format!("<{self:?}>")
    }
}

impl<T: ?Sized> Extension for T {}

pub(crate) fn drive(log: &mut Log) {
    drive_receivers(log);
    drive_receivers_later(log);
    drive_traits(log);
    drive_operators(log);
}

fn drive_receivers(log: &mut Log) {
    static EMPTY: Cart = Cart { items: Vec::new() };
    log.shape("associated", || Cart::associated(&["a"]));
    log.shape("by_reference", || cart().by_reference("-"));
    log.shape("by_mutable_reference", || cart().by_mutable_reference("b"));
    log.shape("by_value", || cart().by_value());
    log.shape("by_mutable_value", || cart().by_mutable_value("b"));
    log.shape("in_a_box", || Box::new(cart()).in_a_box());
    log.shape("in_a_mutable_box", || Box::new(cart()).in_a_mutable_box());
    log.shape("in_an_rc", || Rc::new(cart()).in_an_rc());
    log.shape("in_an_arc", || Arc::new(cart()).in_an_arc());
    log.shape("in_a_borrowed_arc", || Arc::new(cart()).in_a_borrowed_arc());
    log.shape("pinned", || Pin::new(&mut cart()).pinned().clone());
    log.shape("pinned_and_mutable", || Pin::new(&mut cart()).pinned_and_mutable());
    log.shape("pinned_in_an_arc", || Arc::pin(cart()).pinned_in_an_arc());
    log.shape("typed", || cart().typed());
    log.shape("typed_reference", || cart().typed_reference());
    log.shape("typed_mutable_reference", || {
        let mut cart = cart();
        cart.typed_mutable_reference();
        cart
    });
    log.shape("mutable_reference_to_a_reference", || cart().mutable_reference_to_a_reference(&EMPTY));
    log.shape("with_a_lifetime", || Cart::default().with_a_lifetime("other").to_owned());
    log.shape("constant_of_itself", || cart().constant_of_itself());
    log.calls(2, "itself_as_a_type", || (cart().itself_as_a_type(), EMPTY.itself_as_a_type()));
    log.calls(4, "recursive", || cart().recursive(3));
    log.shape("recorded", || cart().recorded().clone());
    log.shape("called_by_its_path", || Cart::by_reference(&cart(), "-"));
    log.calls(2, "mapped_by_its_path", || [cart(), cart()].map(Cart::by_value));
    log.shape("all", || Holder { held: [&1, &2] }.all());
    log.shape("mapped", || Holder { held: [&1, &2] }.mapped(|n| n * 2));
    log.calls(2, "of_an_enumeration", || {
        (Either::Left(1).of_an_enumeration().copied(), Either::Right.of_an_enumeration().copied())
    });
}

fn drive_receivers_later(log: &mut Log) {
    log.shape("later", || wait!(cart().later("-")));
    log.shape("later_by_mutable_reference", || wait!(cart().later_by_mutable_reference()).clone());
    log.shape("later_by_value", || wait!(cart().later_by_value()));
    log.shape("later_in_an_arc", || wait!(Arc::new(cart()).later_in_an_arc()));
    log.shape("later_in_a_borrowed_arc", || wait!(Arc::new(cart()).later_in_a_borrowed_arc()));
    log.shape("later_pinned", || wait!(Pin::new(&mut cart()).later_pinned()));
    log.shape("later_in_a_box", || wait!(Box::new(cart()).later_in_a_box()));
}

fn drive_traits(log: &mut Log) {
    log.calls(2, "default_method", || cart().speaks());
    log.shape("overridden_default_method", || (&1_u8).speaks());
    log.calls(2, "default_method_by_value", || cart().consumed());
    log.shape("default_associated_function", || <&u8 as Speaks>::of_the_trait(1));
    log.calls(3, "method_of_an_object", || {
        let drawn: &dyn Draws = &7_u8;
        drawn.draws_twice()
    });
    log.calls(3, "method_of_a_boxed_object", || {
        let drawn: Box<dyn Draws> = Box::new(7_u8);
        drawn.draws().len() + Draws::draws(&7).len()
    });
    log.calls(2, "inherent_method_of_an_object", || {
        let drawn: Box<dyn Draws> = Box::new(7_u8);
        drawn.of_the_object()
    });
    // SAFETY: nothing is asked for.
    log.shape("unsafe_method_of_an_unsafe_trait", || unsafe { 7_u8.promises() });
    log.calls(3, "async_methods_of_a_trait", || wait!(1_u8.runs_twice(2)));
    log.shape("promised_by_a_trait", || wait!(1_u8.promised()));
    log.shape("extension", || "x".extended());
}

fn drive_operators(log: &mut Log) {
    log.calls(2, "operators", || -(Number(1) + Number(2)));
    log.shape("assigning_operator", || {
        let mut number = Number(1);
        number += 2;
        number
    });
    log.shape("comparison", || Number(1) == Number(2));
    log.shape("conversion", || -> Number { 7.into() });
    log.calls(2, "parser", || ["7", "x"].map(str::parse::<Number>));
    log.shape("display", || Number(7).to_string());
    log.calls(3, "iterator", || Number(3).collect::<Vec<_>>());
    log.calls(3, "dereferenced", || {
        let mut cart = cart();
        cart.push("x".into());
        let length = cart.len();
        (length, cart.first().cloned())
    });
    log.shape("indexed", || cart()["lamp"].clone());
    log.shape("indexed_and_panics", || cart()["chair"].clone());
    log.shape("dropped", || drop(Closing(Loud("inside"))));
    log.calls(3, "polled", || wait!(Countdown(2)));
}
