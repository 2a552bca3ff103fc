//! The prices that hold: the user's own, and the price list of the crate `genai-prices`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::SystemTime;

use arc_swap::ArcSwapOption;
use genai_prices::{Calculator, PriceCalculation, PriceRequest, ProviderInfo, Usage as Units, UsageKey};

use super::file::{OwnPrices, key};
use super::providers::{Seller, seller};
use crate::llm::shapes::system;

static OWN: ArcSwapOption<OwnPrices> = ArcSwapOption::const_empty();

/// Whether spans are finished by our steps, which write the costs.
static FINISHED: AtomicBool = AtomicBool::new(false);

/// Uses these prices before those of the list.
pub(crate) fn install(own: Option<OwnPrices>) {
    OWN.store(own.map(Arc::new));
    expect_spans();
    // Reading the list takes tens of milliseconds, for which the first call of a model should not wait. Without the
    // thread, it does.
    let _ = thread::Builder::new().name("a2a-otel-prices".to_owned()).spawn(|| _ = Calculator::bundled());
}

/// From now on, costs are written when spans end.
pub(crate) fn expect_spans() {
    FINISHED.store(true, Ordering::Relaxed);
}

/// Whether costs are written when spans end.
pub(super) fn are_spans_expected() -> bool {
    FINISHED.load(Ordering::Relaxed)
}

/// A call, as far as its price depends on it.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    /// Who serves the model. `None` if it is not known.
    pub(crate) provider: Option<&'a str>,
    /// The model that answered, or was asked.
    pub(crate) model: &'a str,
    /// The class of service that the answer reports, such as OpenAI's `flex`.
    pub(crate) tier: Option<&'a str>,
    pub(crate) time: SystemTime,
}

/// The prices of one model.
pub(super) struct Rates<'a> {
    calculator: &'a Calculator,
    /// The name of the provider in these prices.
    provider: String,
    call: Call<'a>,
}

/// Uses the prices that hold for a call. `None` if there are none.
pub(super) fn with_rates<R>(
    call: Call<'_>,
    units: &Units,
    price: impl FnOnce(&Rates<'_>, &PriceCalculation) -> R,
) -> Option<R> {
    let own = OWN.load();
    let own = own.as_deref();
    let found = own.into_iter().flat_map(|own| own_names(own, call.provider).map(move |name| (own, name)));
    for (own, name) in found {
        let rates = Rates { calculator: &own.calculator, provider: name, call };
        if let Some(calculated) = rates.price(units)
            && (calculated.total_price > 0.0
                || own.per_token.contains(&key(&calculated.provider_id, &calculated.model_id)))
        {
            return Some(price(&rates, &calculated));
        }
    }
    let calculator = Calculator::bundled();
    for name in listed_names(calculator, call).into_iter().flatten() {
        let rates = Rates { calculator, provider: name, call };
        if let Some(calculated) = rates.price(units)
            && (calculated.total_price > 0.0 || rates.are_for_tokens())
        {
            return Some(price(&rates, &calculated));
        }
    }
    None
}

/// The names under which the user's own prices may have a provider.
fn own_names<'a>(own: &'a OwnPrices, provider: Option<&'a str>) -> impl Iterator<Item = String> + 'a {
    let listed = provider.and_then(seller).and_then(|seller| match seller {
        Seller::Listed(name) => Some(name),
        Seller::Nobody => None,
    });
    // Where nobody says who serves the model, its name decides.
    let any = own.calculator.providers().filter(move |_| provider.is_none()).map(ProviderInfo::id);
    provider.into_iter().chain(listed).chain(any).map(str::to_owned)
}

/// The names under which the price list may have a provider.
fn listed_names(list: &Calculator, call: Call<'_>) -> [Option<String>; 2] {
    let listed = |name: &str| match seller(name) {
        Some(Seller::Listed(listed)) => Some(listed.to_owned()),
        Some(Seller::Nobody) => None,
        None => Some(list.find_provider(Some(name), None).ok()??.id().to_owned()),
    };
    match call.provider {
        Some(name) => [listed(name), None],
        // Where nobody says who serves the model, its name decides: first by the list, which does so for proxies, as in
        // `anthropic/claude-sonnet-4-5`, and then as it decides about `llm.system`.
        None => [Some("litellm".to_owned()), system(call.model).and_then(listed)],
    }
}

/// Whether it is known that nobody has a price for what this provider serves.
pub(super) fn is_free_of_charge(provider: Option<&str>) -> bool {
    provider.and_then(seller) == Some(Seller::Nobody)
}

impl Rates<'_> {
    /// Whether tokens have a price in the list. It has no price of 0: another model is billed otherwise.
    fn are_for_tokens(&self) -> bool {
        let some = Units::from([(UsageKey::INPUT_TOKENS, 1e6), (UsageKey::OUTPUT_TOKENS, 1e6)]);
        self.price(&some).is_some_and(|calculated| calculated.input_price + calculated.output_price > 0.0)
    }

    /// What so many units cost.
    pub(super) fn price(&self, units: &Units) -> Option<PriceCalculation> {
        let mut request = PriceRequest::new(self.call.model, units)
            .with_provider_id(&self.provider)
            .with_timestamp(self.call.time);
        request = match self.call.tier {
            Some("batch") => request.with_price_context("processing", "batch"),
            Some(tier) => request.with_price_context("service_tier", tier),
            None => request,
        };
        self.calculator.calculate(&request).ok()
    }
}
