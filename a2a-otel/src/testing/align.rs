//! Which of the spans below one parent are the same in two traces.
//!
//! The longest common subsequence decides, where a pair of the same kind and name weighs most, and the same input helps to
//! tell calls of the same name apart.

use super::tree::Branch;
use crate::semconv::openinference::INPUT_VALUE;

/// How siblings correspond.
pub(super) enum Pair<'a, 'b> {
    Both { before: &'b Branch<'a>, after: &'b Branch<'a>, is_moved: bool },
    Removed(&'b Branch<'a>),
    Added(&'b Branch<'a>),
}

/// The most siblings that are aligned with one another at once, because the effort grows with their square. More are
/// aligned in pieces of this length.
const PIECE: usize = 2000;

/// The weight of a pair of the same kind and name, and what similarities add.
const SAME_NAME: u32 = 1000;
const SAME_INPUT: u32 = 3;
const SAME_CHILDREN: u32 = 1;

/// The weight of a span that is the same but for its name.
const RENAMED: u32 = 2;

/// Pairs the siblings of two traces, in the order of the second one; what is gone stands where it was.
pub(super) fn align<'a, 'b>(before: &'b [Branch<'a>], after: &'b [Branch<'a>]) -> Vec<Pair<'a, 'b>> {
    let mut matched = vec![None; after.len()];
    let longest = before.len().max(after.len());
    for piece in (0..longest).step_by(PIECE) {
        let part = |of: &'b [Branch<'a>]| &of[piece.min(of.len())..(piece + PIECE).min(of.len())];
        for (one, other) in common(part(before), part(after)) {
            matched[piece + other] = Some(piece + one);
        }
    }
    let moved = moved(before, after, &matched);
    merge(before, after, &matched, &moved)
}

/// The pairs of the heaviest common subsequence.
fn common(before: &[Branch<'_>], after: &[Branch<'_>]) -> Vec<(usize, usize)> {
    let width = after.len() + 1;
    // The best weight of what follows each pair of positions.
    let mut best = vec![0; (before.len() + 1) * width];
    for one in (0..before.len()).rev() {
        for other in (0..after.len()).rev() {
            let apart = best[(one + 1) * width + other].max(best[one * width + other + 1]);
            let together = weight(&before[one], &after[other])
                .map_or(0, |weight| weight + best[(one + 1) * width + other + 1]);
            best[one * width + other] = apart.max(together);
        }
    }
    let (mut one, mut other, mut pairs) = (0, 0, Vec::new());
    while one < before.len() && other < after.len() {
        let whole = best[one * width + other];
        let together = weight(&before[one], &after[other])
            .is_some_and(|weight| whole == weight + best[(one + 1) * width + other + 1]);
        if together {
            pairs.push((one, other));
            (one, other) = (one + 1, other + 1);
        } else if whole == best[(one + 1) * width + other] {
            one += 1;
        } else {
            other += 1;
        }
    }
    pairs
}

/// How much two spans are alike. `None` if they are different spans.
fn weight(before: &Branch<'_>, after: &Branch<'_>) -> Option<u32> {
    if before.span.kind != after.span.kind {
        return None;
    }
    let (input, other) = (before.span.text(INPUT_VALUE), after.span.text(INPUT_VALUE));
    if before.span.name == after.span.name {
        let same_input = if input == other { SAME_INPUT } else { 0 };
        let same_children = if has_same_children(before, after) { SAME_CHILDREN } else { 0 };
        return Some(SAME_NAME + same_input + same_children);
    }
    let is_renamed = match (input, other) {
        (Some(input), Some(other)) => input == other,
        (None, None) => !before.children.is_empty() && has_same_children(before, after),
        _ => false,
    };
    is_renamed.then_some(RENAMED)
}

fn has_same_children(before: &Branch<'_>, after: &Branch<'_>) -> bool {
    before.children.len() == after.children.len()
        && before.children.iter().zip(&after.children).all(|(one, other)| has_same_name(one, other))
}

fn has_same_name(before: &Branch<'_>, after: &Branch<'_>) -> bool {
    (&before.span.kind, &before.span.name) == (&after.span.kind, &after.span.name)
}

/// The unmatched spans that stand elsewhere in the other trace: for each position in the second, that in the first.
fn moved(before: &[Branch<'_>], after: &[Branch<'_>], matched: &[Option<usize>]) -> Vec<Option<usize>> {
    let mut is_free = vec![true; before.len()];
    matched.iter().flatten().for_each(|&one| is_free[one] = false);
    let mut free: Vec<_> = (0..before.len()).filter(|&one| is_free[one]).collect();
    let mut moved = vec![None; after.len()];
    for (other, branch) in after.iter().enumerate().filter(|(other, _)| matched[*other].is_none()) {
        let alike = free.iter().enumerate().filter(|(_, one)| has_same_name(&before[**one], branch));
        let likest = alike.max_by_key(|(place, one)| (weight(&before[**one], branch), usize::MAX - place));
        if let Some(place) = likest.map(|(place, _)| place) {
            moved[other] = Some(free.remove(place));
        }
    }
    moved
}

fn merge<'a, 'b>(
    before: &'b [Branch<'a>],
    after: &'b [Branch<'a>],
    matched: &[Option<usize>],
    moved: &[Option<usize>],
) -> Vec<Pair<'a, 'b>> {
    let mut pairs = Vec::new();
    let mut next = 0;
    let removed = |from: usize, to: usize| {
        let gone = (from..to).filter(|one| !moved.contains(&Some(*one)));
        gone.map(|one| Pair::Removed(&before[one])).collect::<Vec<_>>()
    };
    for (other, branch) in after.iter().enumerate() {
        if let Some(one) = matched[other] {
            pairs.extend(removed(next, one));
            next = one + 1;
            pairs.push(Pair::Both { before: &before[one], after: branch, is_moved: false });
        } else if let Some(one) = moved[other] {
            let is_moved = !(is_parallel(one, before) || is_parallel(other, after));
            pairs.push(Pair::Both { before: &before[one], after: branch, is_moved });
        } else {
            pairs.push(Pair::Added(branch));
        }
    }
    pairs.extend(removed(next, before.len()));
    pairs
}

/// Whether a span ran at the same time as a sibling, so that chance decides about their order.
fn is_parallel(at: usize, siblings: &[Branch<'_>]) -> bool {
    let span = siblings[at].span;
    let others = siblings.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, other)| other.span);
    others
        .into_iter()
        .any(|other| span.start == other.start || (span.start < other.end && other.start < span.end))
}
