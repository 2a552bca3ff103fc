//! Stage two decides what to record and when. It turns arguments and function into a plan, and is the last stage that
//! can fail.

mod checks;
mod metric;
mod span;

use quote::ToTokens as _;
use syn::{Expr, Ident};

use self::checks::{
    check_const, check_crate, check_fails, check_items, check_late_output, check_late_self, check_replay,
    check_unseen,
};
use self::metric::plan_metric;
use self::span::plan_span;
use crate::errors::Errors;
use crate::kinds::{self, Effect};
use crate::plan::{Kept, Plan, Planned, Runtime};
use crate::read::args::Args;
use crate::read::expr::find_ident;
use crate::read::function::{Function, Param};
use crate::read::types::{Streams, may_be_stream};

/// Returns `None` if it has reported an error.
pub(crate) fn decide<'a>(args: &'a Args, function: &'a Function, errors: &mut Errors) -> Option<Plan<'a>> {
    check_const(function, errors);
    check_crate(args, errors);
    check_fails(kinds::ERR.name, args.span(&kinds::ERR), function, errors);
    let effect = match &args.kind.effect {
        Effect::Span(kind) => Planned::Span(plan_span(kind, args, function, errors)),
        Effect::Metric => Planned::Metric(plan_metric(args, function, errors)?),
    };
    let late = effect.late_expressions();
    let stream = plan_stream(args, function, errors);
    let may_be_stream = stream.is_none() && function.result_type().is_some_and(may_be_stream);
    check_items(stream.is_some() || may_be_stream, args, function, errors);
    let stays = function.stays().filter(|_| stream.is_none());
    check_late_self(&late, function, errors);
    check_late_output(&late, function, errors);
    if let Some(stays) = stays {
        check_unseen(stays, args, function, &effect, &late, errors);
    }
    check_replay(stream, stays.is_some(), args, function, errors);
    let kept = function.params.iter().filter_map(|Param { ident, .. }| {
        let mention = |expr: &&Expr| find_ident(expr.to_token_stream(), &ident.to_string());
        Some(Kept { ident, mention: late.iter().find_map(mention)?.span() })
    });
    let kept = kept.collect();
    let on_err = args.word(&kinds::ON).filter(|word| *word == kinds::ON_ERR);
    Some(Plan {
        runtime: Runtime::new(args),
        function,
        stream,
        may_be_stream,
        stays: stays.is_some(),
        kept,
        checks_result: args.word(&kinds::ERR).or(on_err).map(Ident::span),
        effect,
        replay: args.span(&kinds::REPLAY),
    })
}

/// The stream that the type shows or that the user declares.
fn plan_stream(args: &Args, function: &Function, errors: &mut Errors) -> Option<Streams> {
    let Some(span) = args.span(&kinds::STREAM).filter(|_| function.stream.is_none()) else {
        return function.stream;
    };
    let Some(ty) = function.result_type() else {
        let name = function.name();
        errors.at(
            span,
            format_args!("`stream` needs a function that returns a stream; `{name}` returns nothing"),
        );
        return None;
    };
    Some(Streams::of(ty))
}
