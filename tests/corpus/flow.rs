//! Control flow within a function's body, and out of it.

use std::convert::Infallible;
use std::num::ParseIntError;
use std::ops::ControlFlow;

use crate::log::{Log, note};
use crate::observe;

#[derive(Debug)]
enum Failure {
    Parse,
    Missing(#[expect(dead_code)] usize),
}

impl From<ParseIntError> for Failure {
    fn from(_: ParseIntError) -> Self {
        Self::Parse
    }
}

#[observe]
fn returns_early(n: u8) -> &'static str {
    if n == 0 {
        return "early";
    }
    "late"
}

#[observe]
fn returns_nothing_early(n: u8) {
    if n == 0 {
        return;
    }
    note("late");
}

#[observe]
fn question_mark_on_an_option(text: &str) -> Option<char> {
    let first = text.chars().next()?;
    first.is_alphabetic().then_some(first)
}

#[observe]
fn question_mark_with_a_conversion(text: &str) -> Result<usize, Failure> {
    let n: usize = text.parse()?;
    let found = [1, 2].get(n).ok_or(Failure::Missing(n))?;
    Ok(*found)
}

#[observe]
fn question_mark_on_control_flow(numbers: &[i32]) -> ControlFlow<i32, usize> {
    for number in numbers {
        if *number < 0 {
            ControlFlow::Break(*number)?;
        }
    }
    ControlFlow::Continue(numbers.len())
}

#[observe]
fn question_marks_in_a_chain(text: &str) -> Option<u32> {
    text.split_once('=')?.1.trim().chars().next()?.to_digit(10)?.checked_sub(1)
}

#[observe]
fn breaks_with_a_value(mut n: u32) -> u32 {
    loop {
        n *= 2;
        if n > 50 {
            break n;
        }
    }
}

#[observe]
fn breaks_out_of_a_labelled_loop(rows: &[&[u8]]) -> Option<u8> {
    'rows: for row in rows {
        for &cell in *row {
            match cell {
                0 => continue 'rows,
                1 => break 'rows,
                found => return Some(found),
            }
        }
    }
    None
}

#[observe]
fn breaks_out_of_a_block(n: u8) -> &'static str {
    let found = 'found: {
        if n > 3 {
            break 'found "big";
        }
        if n > 1 {
            return "middle";
        }
        "small"
    };
    note(found);
    found
}

#[observe]
fn matches_with_returns(n: u8) -> Result<u8, String> {
    let m = match n {
        0 => return Ok(0),
        1 => return Err("one".to_owned()),
        n if n > 9 => panic!("{n} is too big"),
        n => n - 1,
    };
    Ok(m)
}

#[observe]
fn let_else(text: &str) -> usize {
    let Some((left, right)) = text.split_once(':') else {
        return 0;
    };
    let Ok(n) = right.parse::<usize>() else { panic!("{right} is no number") };
    left.len() + n
}

#[observe]
fn returns_in_closures(numbers: &[u8]) -> Vec<u8> {
    let halve = |n: &u8| {
        if n % 2 == 1 {
            return None;
        }
        Some(n / 2)
    };
    numbers.iter().filter_map(halve).collect()
}

#[observe]
fn question_mark_in_a_closure(texts: &[&str]) -> Result<Vec<u8>, ParseIntError> {
    let double = |text: &&str| -> Result<u8, ParseIntError> { Ok(text.parse::<u8>()? * 2) };
    texts.iter().map(double).collect()
}

#[observe]
fn while_let(mut stack: Vec<u8>) -> u8 {
    let mut sum = 0;
    while let Some(top) = stack.pop() {
        if top == 9 {
            continue;
        }
        sum += top;
    }
    sum
}

#[observe]
#[allow(clippy::needless_return)]
fn ends_with_a_return(n: u8) -> u8 {
    return n + 1;
}

#[observe]
#[allow(clippy::redundant_else, clippy::needless_return)]
fn ends_with_a_return_in_all_branches(n: u8) -> u8 {
    if n > 1 {
        return 1;
    } else {
        return 2;
    }
}

#[observe]
fn ends_with_a_loop_that_returns(mut n: u8) -> u8 {
    loop {
        if n > 100 {
            return n;
        }
        n *= 3;
    }
}

#[observe]
fn ends_with_a_panic(n: u8) -> u8 {
    if n == 1 {
        return 1;
    }
    unreachable!("{n} is not one")
}

#[observe]
fn ends_with_a_statement(numbers: &mut Vec<u8>) {
    numbers.push(1);
    if numbers.len() > 1 {
        numbers.clear();
    };
}

#[observe]
#[rustfmt::skip]
#[allow(unused_braces)]
fn ends_with_blocks(n: u8) -> u8 {
    { { let m = n; { m + 1 } } }
}

#[observe]
fn ends_with_an_unsafe_block(bytes: &[u8]) -> &str {
    // SAFETY: the bytes are ASCII.
    unsafe { std::str::from_utf8_unchecked(bytes) }
}

#[observe]
fn ends_with_a_match_of_blocks(n: Option<u8>) -> String {
    match n {
        Some(n) => {
            let text = n.to_string();
            text + "!"
        }
        None => {
            note("none");
            String::new()
        }
    }
}

#[observe]
fn ends_with_a_macro(n: u8) -> String {
    note("format");
    format!("{n}")
}

#[observe]
fn error_that_cannot_be(n: u8) -> Result<u8, Infallible> {
    Ok(n)
}

#[observe]
fn mutates_what_it_captures(mut numbers: Vec<u8>) -> Vec<u8> {
    let mut push = |n| numbers.push(n);
    push(1);
    push(2);
    numbers.iter_mut().for_each(|n| *n += 1);
    numbers
}

#[observe]
fn moves_in_one_branch(text: String, moves: bool) -> Result<String, usize> {
    if moves {
        drop(text);
        return Err(0);
    }
    Ok(text)
}

#[observe]
fn result_in_an_option(n: u8) -> Option<Result<u8, String>> {
    match n {
        0 => None,
        1 => Some(Err("one".into())),
        n => Some(Ok(n)),
    }
}

#[observe]
fn result_in_a_result(n: u8) -> Result<Result<u8, String>, u8> {
    match n {
        0 => Err(0),
        1 => Ok(Err("one".into())),
        n => Ok(Ok(n)),
    }
}

pub(crate) fn drive(log: &mut Log) {
    log.calls(2, "returns_early", || [0, 1].map(returns_early));
    log.calls(2, "returns_nothing_early", || [0, 1].map(returns_nothing_early));
    log.calls(3, "question_mark_on_an_option", || ["", "1", "a"].map(question_mark_on_an_option));
    log.calls(3, "question_mark_with_a_conversion", || ["x", "7", "1"].map(question_mark_with_a_conversion));
    log.calls(2, "question_mark_on_control_flow", || {
        (question_mark_on_control_flow(&[1, -2, -3]), question_mark_on_control_flow(&[1]))
    });
    log.calls(3, "question_marks_in_a_chain", || ["a", "a= 1", "a=0"].map(question_marks_in_a_chain));
    log.shape("breaks_with_a_value", || breaks_with_a_value(3));
    log.calls(2, "breaks_out_of_a_labelled_loop", || {
        (breaks_out_of_a_labelled_loop(&[&[0, 5], &[7]]), breaks_out_of_a_labelled_loop(&[&[1, 5]]))
    });
    log.calls(3, "breaks_out_of_a_block", || [1, 2, 4].map(breaks_out_of_a_block));
    log.calls(3, "matches_with_returns", || [0, 1, 2].map(matches_with_returns));
    log.shape("matches_with_returns_and_panics", || matches_with_returns(10));
    log.calls(2, "let_else", || ["ab", "ab:2"].map(let_else));
    log.shape("let_else_and_panics", || let_else("a:b"));
    log.shape("returns_in_closures", || returns_in_closures(&[1, 2, 4]));
    log.calls(2, "question_mark_in_a_closure", || {
        (question_mark_in_a_closure(&["1", "2"]), question_mark_in_a_closure(&["x"]))
    });
    log.shape("while_let", || while_let(vec![1, 9, 2]));
    log.shape("ends_with_a_return", || ends_with_a_return(1));
    log.calls(2, "ends_with_a_return_in_all_branches", || [1, 2].map(ends_with_a_return_in_all_branches));
    log.shape("ends_with_a_loop_that_returns", || ends_with_a_loop_that_returns(7));
    log.calls(2, "ends_with_a_panic", || [1, 2].map(ends_with_a_panic));
    log.calls(2, "ends_with_a_statement", || {
        let mut numbers = Vec::new();
        ends_with_a_statement(&mut numbers);
        ends_with_a_statement(&mut numbers);
        numbers
    });
    log.shape("ends_with_blocks", || ends_with_blocks(1));
    log.shape("ends_with_an_unsafe_block", || ends_with_an_unsafe_block(b"abc"));
    log.calls(2, "ends_with_a_match_of_blocks", || [None, Some(1)].map(ends_with_a_match_of_blocks));
    log.shape("ends_with_a_macro", || ends_with_a_macro(1));
    log.shape("error_that_cannot_be", || error_that_cannot_be(1));
    log.shape("mutates_what_it_captures", || mutates_what_it_captures(vec![]));
    log.calls(2, "moves_in_one_branch", || [true, false].map(|moves| moves_in_one_branch("x".into(), moves)));
    log.calls(3, "result_in_an_option", || [0, 1, 2].map(result_in_an_option));
    log.calls(3, "result_in_a_result", || [0, 1, 2].map(result_in_a_result));
}
