//! Decides which traces are recorded, as the SDK's samplers do, but without their overhead: those call each other, and
//! each copies the parent's trace state.
//!
//! It also differs from `Sampler::ParentBased` where a context has a span without an identity, such as a `tracing` span
//! that is older than the provider. The SDK's follows it and drops everything below; for OpenTelemetry's specification,
//! a span without a valid parent is a root.

use opentelemetry::trace::{Link, SpanKind, SpanRef, TraceContextExt, TraceId, TraceState};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, SamplingResult, ShouldSample};

use crate::settings::{Root, Sampling};

/// The sampler of the settings.
#[derive(Clone, Debug)]
pub(crate) struct Sampled(pub(crate) Sampling);

impl ShouldSample for Sampled {
    fn should_sample(
        &self,
        context: Option<&Context>,
        trace: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let parent = context.map(TraceContextExt::span);
        let parent = parent.as_ref().map(SpanRef::span_context).filter(|parent| parent.is_valid());
        let decision = match (parent, self.0.root) {
            (Some(parent), _) if self.0.follows_parent => decided(parent.is_sampled()),
            (_, Root::On) => decided(true),
            (_, Root::Off) => decided(false),
            (_, Root::Ratio(ratio)) => {
                let root = Sampler::TraceIdRatioBased(ratio);
                root.should_sample(context, trace, name, kind, attributes, links).decision
            }
        };
        let trace_state = parent.map_or(TraceState::NONE, |parent| parent.trace_state().clone());
        SamplingResult { decision, attributes: Vec::new(), trace_state }
    }
}

const fn decided(is_sampled: bool) -> SamplingDecision {
    if is_sampled { SamplingDecision::RecordAndSample } else { SamplingDecision::Drop }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{SpanContext, SpanId, TraceFlags};

    use super::*;

    fn below(flags: TraceFlags, span: u64) -> Context {
        let state = TraceState::from_key_value([("vendor", "1")]).expect("a valid state");
        let parent = SpanContext::new(TraceId::from(1), SpanId::from(span), flags, true, state);
        Context::new().with_remote_span_context(parent)
    }

    #[test]
    fn it_decides_as_the_samplers_of_the_sdk() {
        let roots = [
            (Root::On, Sampler::AlwaysOn),
            (Root::Off, Sampler::AlwaysOff),
            (Root::Ratio(0.5), Sampler::TraceIdRatioBased(0.5)),
        ];
        let contexts = [
            None,
            Some(Context::new()),
            Some(below(TraceFlags::SAMPLED, 1)),
            Some(below(TraceFlags::NOT_SAMPLED, 1)),
        ];
        for (root, theirs) in roots {
            for follows_parent in [true, false] {
                let root_alone = theirs.clone();
                let theirs =
                    if follows_parent { Sampler::ParentBased(Box::new(root_alone)) } else { root_alone };
                let ours = Sampled(Sampling { root, follows_parent });
                for context in &contexts {
                    for trace in [TraceId::from(1), TraceId::from(u128::MAX)] {
                        let ask = |sampler: &dyn ShouldSample| {
                            sampler.should_sample(context.as_ref(), trace, "", &SpanKind::Internal, &[], &[])
                        };
                        assert_eq!(ask(&ours), ask(&theirs), "{ours:?} in {context:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn below_a_span_without_an_identity_it_decides_as_for_a_root() {
        for root in [Root::On, Root::Off] {
            let sampler = Sampled(Sampling { root, follows_parent: true });
            let ask = |context: Context| {
                let trace = TraceId::from(1);
                sampler.should_sample(Some(&context), trace, "", &SpanKind::Internal, &[], &[]).decision
            };
            let expected = ask(Context::new());
            assert_eq!(ask(Context::new().with_remote_span_context(SpanContext::NONE)), expected);
            assert_eq!(ask(below(TraceFlags::SAMPLED, 0)), expected);
        }
    }
}
