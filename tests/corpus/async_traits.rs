//! Methods of `async_trait`, with the attribute macro above and below the other attributes.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;

use crate::log::{Log, Loud, abandon, note, pause, wait};
use crate::observe;

#[async_trait]
trait Finds: Send + Sync {
    async fn find(&self, query: &str) -> Result<String, String>;

    async fn find_mutably(&mut self, query: String) -> usize;

    #[observe]
    async fn find_twice(&self, query: &str) -> Result<String, String> {
        Ok(self.find(query).await? + &self.find(query).await?)
    }

    #[observe]
    #[must_use]
    async fn default_with_an_attribute(&self) -> u8 {
        1
    }

    #[allow(unused_variables)]
    #[observe]
    async fn default_below_an_attribute(&self, unused: u8) -> u8 {
        2
    }
}

#[derive(Default)]
struct Agent {
    found: HashMap<String, usize>,
}

#[async_trait]
impl Finds for Agent {
    /// Finds, and is documented.
    #[observe]
    async fn find(&self, query: &str) -> Result<String, String> {
        pause().await;
        if query.is_empty() {
            return Err("empty".to_owned());
        }
        Ok(query.repeat(2))
    }

    #[inline]
    #[observe]
    #[allow(clippy::let_and_return)]
    async fn find_mutably(&mut self, query: String) -> usize {
        let found = self.found.entry(query).or_default();
        *found += 1;
        pause().await;
        let found = *found;
        found
    }
}

#[async_trait]
impl Finds for Arc<Agent> {
    #[allow(unused_mut)]
    #[observe]
    async fn find(&self, mut query: &str) -> Result<String, String> {
        self.as_ref().find(query).await
    }

    async fn find_mutably(&mut self, query: String) -> usize {
        query.len()
    }
}

#[async_trait]
trait Shapes<'a, T: Send + 'static>: Sized {
    const FACTOR: usize;

    async fn associated(n: usize) -> usize;
    async fn by_value(self, first: Loud, _: u8) -> T;
    async fn in_a_box(self: Box<Self>) -> Option<T>;
    async fn with_patterns(&self, pair: (u8, String), chars: [char; 2]) -> String;
    async fn with_generics<I: IntoIterator<Item = u8> + Send>(&self, items: I) -> Vec<u8>
    where
        I::IntoIter: Send;
    async fn with_opaque_parameters(&self, visit: impl for<'t> Fn(&'t str) + Send + Sync) -> &'a str;
    async fn with_lifetimes<'b>(&'b self, text: &'b str) -> (&'a str, &'b str);
    async fn boxed_object(&self, n: u8) -> Result<Box<dyn std::fmt::Debug + Send>, String>;
    async fn nothing(&self);
    async fn panics(&self);
}

struct Text<'a>(&'a str);

#[async_trait]
impl<'a> Shapes<'a, String> for Text<'a> {
    const FACTOR: usize = 3;

    #[observe]
    async fn associated(n: usize) -> usize {
        pause().await;
        n * Self::FACTOR
    }

    #[observe]
    async fn by_value(self, first: Loud, _: u8) -> String {
        let Self(text) = self;
        pause().await;
        drop(first);
        text.to_owned()
    }

    #[observe]
    async fn in_a_box(self: Box<Self>) -> Option<String> {
        let text = self.0.strip_prefix('t')?;
        Some(text.to_owned())
    }

    #[observe]
    async fn with_patterns(&self, (a, mut b): (u8, String), [c, _]: [char; 2]) -> String {
        b.push(c);
        pause().await;
        format!("{a}{b}")
    }

    #[observe]
    async fn with_generics<I: IntoIterator<Item = u8> + Send>(&self, items: I) -> Vec<u8>
    where
        I::IntoIter: Send,
    {
        items.into_iter().collect()
    }

    #[observe]
    async fn with_opaque_parameters(&self, visit: impl for<'t> Fn(&'t str) + Send + Sync) -> &'a str {
        visit(self.0);
        pause().await;
        visit("again");
        self.0
    }

    #[observe]
    async fn with_lifetimes<'b>(&'b self, text: &'b str) -> (&'a str, &'b str) {
        (self.0, text)
    }

    #[observe]
    async fn boxed_object(&self, n: u8) -> Result<Box<dyn std::fmt::Debug + Send>, String> {
        if n == 0 {
            return Ok(Box::new("zero"));
        }
        pause().await;
        if n == 1 { Err("one".into()) } else { Ok(Box::new(n)) }
    }

    #[observe]
    async fn nothing(&self) {
        note(self.0);
    }

    #[observe]
    async fn panics(&self) {
        pause().await;
        panic!("at {}", self.0)
    }
}

#[async_trait(?Send)]
trait Local {
    async fn local(&self, n: std::rc::Rc<u8>) -> u8;

    #[observe]
    async fn default(&self) -> u8
    where
        Self: Sized,
    {
        self.local(std::rc::Rc::new(1)).await
    }
}

#[async_trait(?Send)]
impl Local for u8 {
    #[observe]
    async fn local(&self, n: std::rc::Rc<u8>) -> u8 {
        pause().await;
        *n + self
    }
}

#[async_trait]
trait Expanded {
    async fn expanded(&self, n: u8) -> u8;
}

#[async_trait]
impl Expanded for Loud {
    #[observe(name = self.0, fields("n" = n, "sum" = output + n))]
    #[observe(name = "inner")]
    async fn expanded(&self, n: u8) -> u8 {
        pause().await;
        n
    }
}

pub(crate) fn drive(log: &mut Log) {
    drive_finds(log);
    drive_shapes(log);
    log.calls(2, "local", || wait!(1_u8.default()));
    log.calls(2, "observed_twice", || wait!(Loud("x").expanded(1)));
}

fn drive_finds(log: &mut Log) {
    log.calls(2, "find", || ["", "x"].map(|query| wait!(Agent::default().find(query))));
    log.shape("find_mutably", || wait!(Agent::default().find_mutably("x".into())));
    log.calls(3, "default_method", || wait!(Agent::default().find_twice("x")));
    log.calls(2, "default_method_that_fails", || wait!(Agent::default().find_twice("")));
    log.calls(2, "default_methods_with_attributes", || {
        let agent = Agent::default();
        wait!(agent.default_with_an_attribute()) + wait!(agent.default_below_an_attribute(1))
    });
    log.calls(2, "delegated", || wait!(Arc::new(Agent::default()).find("x")));
    log.calls(3, "object", || {
        let finds: Box<dyn Finds> = Box::new(Agent::default());
        wait!(finds.find_twice("x"))
    });
    log.shape("abandoned", || abandon!(Agent::default().find("x")));
}

fn drive_shapes(log: &mut Log) {
    log.shape("associated", || wait!(Text::associated(2)));
    log.shape("by_value", || wait!(Text("text").by_value(Loud("first"), 1)));
    log.shape("in_a_box", || wait!(Box::new(Text("text")).in_a_box()));
    log.shape("with_patterns", || wait!(Text("text").with_patterns((1, "b".into()), ['c', 'd'])));
    log.shape("with_generics", || wait!(Text("text").with_generics([1, 2])));
    log.shape("with_opaque_parameters", || wait!(Text("text").with_opaque_parameters(|text| note(text))));
    log.shape("with_lifetimes", || wait!(Text("text").with_lifetimes("x")).1.len());
    log.calls(3, "boxed_object", || [0, 1, 2].map(|n| wait!(Text("text").boxed_object(n))));
    log.shape("nothing", || wait!(Text("text").nothing()));
    log.shape("panics", || wait!(Text("text").panics()));
}
