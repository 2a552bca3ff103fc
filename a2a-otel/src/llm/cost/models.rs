//! The price of a call by the models that it names: the one that answered and, if that has no price, the one that was
//! asked.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::SystemTime;

use super::prices::{Call, is_free_of_charge};
use super::{Priced, of};
use crate::llm::exchange::Usage;
use crate::lock::lock;
use crate::report::report;

/// The models of a call.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Models<'a> {
    pub(crate) requested: Option<&'a str>,
    pub(crate) answered: Option<&'a str>,
}

/// What a call costs, with its parts if they are asked for. A model without a price is reported once.
pub(crate) fn price(
    provider: Option<&str>,
    models: Models<'_>,
    usage: &Usage,
    time: SystemTime,
    in_detail: bool,
) -> Priced {
    let mut priced = Priced::Unused;
    for model in models.answered.into_iter().chain(models.requested) {
        priced = of(Call { provider, model, tier: usage.tier, time }, usage, in_detail);
        if matches!(priced, Priced::At(_) | Priced::Unused) {
            return priced;
        }
    }
    let model = models.answered.or(models.requested);
    if let Some(model) = model.filter(|_| !is_free_of_charge(provider)) {
        tell(provider.unwrap_or("an unknown provider"), model);
    }
    priced
}

/// How many models are reported, and how long a name in a message is.
const TOLD: usize = 100;
const LONGEST: usize = 100;

fn tell(provider: &str, model: &str) {
    static TOLD_OF: Mutex<BTreeSet<(String, String)>> = Mutex::new(BTreeSet::new());
    let short = |text: &str| text.chars().take(LONGEST).collect::<String>();
    let (provider, model) = (short(provider), short(model));
    let mut told = lock(&TOLD_OF);
    let is_new = told.len() < TOLD && told.insert((provider.clone(), model.clone()));
    // A message may be slow to print.
    drop(told);
    if is_new {
        report(&format_args!(
            "no price is known for the model {model:?} of {provider:?}, so its calls have no cost: name the provider that \
             serves it, or give its price in a file that A2A_OTEL_PRICES names"
        ));
    }
}
