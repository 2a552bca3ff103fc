//! Async functions.

use std::cell::{Cell, RefCell};
use std::fmt::Debug;
use std::future::{Future, pending, ready};
use std::pin::pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use futures::future::{join, join_all, select};

use crate::log::{Log, Loud, abandon, note, pause, wait};
use crate::observe;

#[observe]
async fn does_nothing() {}

#[observe]
#[rustfmt::skip]
async fn in_one_line(n: u32) -> u32 { n }

#[observe]
async fn waits(n: u8) -> u8 {
    pause().await;
    note("waited");
    pause().await;
    n + 1
}

#[observe]
async fn is_never_awaited(n: u8) -> u8 {
    note("never");
    n
}

#[observe]
async fn returns_early(n: u8) -> &'static str {
    if n == 0 {
        return "early";
    }
    pause().await;
    "late"
}

#[observe]
async fn question_mark(text: &str) -> Result<u8, std::num::ParseIntError> {
    let n = text.parse::<u8>()?;
    pause().await;
    Ok(n)
}

#[observe]
async fn question_mark_after_an_await(text: &str) -> Result<u8, Box<dyn std::error::Error>> {
    let n = question_mark(text).await?;
    let n = n.checked_sub(1).ok_or("too small")?;
    Ok(waits(n).await)
}

#[observe]
async fn question_mark_on_an_option(text: &str) -> Option<char> {
    pause().await;
    let first = text.chars().next()?;
    Some(first)
}

#[observe]
async fn borrows<'a>(text: &'a str, numbers: &mut Vec<usize>) -> &'a str {
    numbers.push(text.len());
    pause().await;
    numbers.push(0);
    &text[1..]
}

#[observe]
async fn generic<T: Clone + Debug, const N: usize>(value: &T) -> [T; N] {
    pause().await;
    std::array::from_fn(|_| value.clone())
}

#[observe]
async fn opaque_parameter(words: impl Iterator<Item = &str>, visit: impl Fn(&str)) -> usize {
    words.inspect(|word| visit(word)).count()
}

#[observe]
async fn opaque_result(n: u8) -> impl Iterator<Item = u8> {
    pause().await;
    0..n
}

#[observe]
async fn opaque_result_in_a_result(n: u8) -> Result<impl Debug, impl Debug> {
    if n == 0 { Err("zero") } else { Ok(n) }
}

#[observe]
async fn boxed_object(n: u8) -> Box<dyn Debug> {
    if n == 0 {
        return Box::new("zero");
    }
    pause().await;
    Box::new(n)
}

#[observe]
async fn boxed_object_in_a_result(n: u8) -> Result<Box<dyn Debug>, Box<dyn std::error::Error>> {
    if n == 0 {
        return Ok(Box::new("zero"));
    }
    pause().await;
    if n == 1 { Err("one".into()) } else { Ok(Box::new(n)) }
}

#[observe]
async fn closure_as_a_pointer(up: bool) -> fn(i8) -> i8 {
    if up { |n| n + 1 } else { |n| n - 1 }
}

#[observe]
async fn never_returns() -> ! {
    pause().await;
    panic!("never")
}

#[observe]
async fn panics_after_an_await(n: u8) -> u8 {
    pause().await;
    assert!(n > 3, "{n} is too small");
    n
}

#[observe]
async unsafe fn is_unsafe(pointer: *const u8) -> u8 {
    // SAFETY: the caller hands in a pointer to a live byte.
    unsafe { *pointer }
}

/// Of words, the order is `async unsafe extern`.
#[observe]
#[must_use]
#[inline]
#[allow(improper_ctypes_definitions)]
async unsafe extern "C" fn is_unsafe_and_speaks_c(n: u8) -> u8 {
    n
}

#[observe]
async fn is_not_send(shared: Rc<Cell<u8>>) -> u8 {
    pause().await;
    shared.set(shared.get() + 1);
    shared.get()
}

#[observe]
async fn is_not_send_inside(n: u8) -> u8 {
    let shared = Rc::new(n);
    pause().await;
    *shared
}

#[observe]
async fn is_send_after_all(n: u8) -> u8 {
    let doubled = {
        let shared = Rc::new(n);
        *shared * 2
    };
    pause().await;
    doubled
}

#[observe]
async fn holds_a_cell(cell: &RefCell<u8>) -> u8 {
    pause().await;
    let n = *cell.borrow();
    n
}

#[observe]
async fn takes_a_lock(lock: &Mutex<Vec<u8>>) -> usize {
    lock.lock().unwrap().push(1);
    pause().await;
    let length = lock.lock().unwrap().len();
    length
}

#[observe]
async fn recursive(n: u8) -> u8 {
    if n == 0 {
        return 0;
    }
    pause().await;
    Box::pin(recursive(n - 1)).await + 1
}

#[observe]
async fn inner_async_block(n: u8) -> Result<u8, String> {
    let checked = async { n.checked_sub(1).ok_or_else(|| "zero".to_owned()) };
    let moved = async move {
        if n == 7 {
            return 1;
        }
        2
    };
    Ok(checked.await? + moved.await)
}

#[observe]
async fn inner_async_closure(n: u8) -> u8 {
    let double = async |m: u8| {
        pause().await;
        n * m
    };
    double(2).await + double(3).await
}

#[observe]
async fn joins(n: u8) -> (u8, u8) {
    join(waits(n), waits(n + 1)).await
}

#[observe]
async fn joins_many(numbers: &[u8]) -> Vec<u8> {
    join_all(numbers.iter().map(|n| waits(*n))).await
}

#[observe]
async fn selects() -> bool {
    let (first, second) = (pin!(waits(1)), pin!(hangs()));
    matches!(select(first, second).await, futures::future::Either::Left((2, _)))
}

#[observe]
async fn hangs() -> u8 {
    let _guard = Loud("guard of what hangs");
    pending().await
}

#[observe]
async fn is_abandoned(argument: Loud) -> u8 {
    let local = Loud("local");
    pause().await;
    drop((argument, local));
    1
}

#[observe]
async fn loops(mut n: u8) -> u8 {
    let found = loop {
        pause().await;
        n += 1;
        match n {
            3 => continue,
            7.. => break n,
            _ => note(n),
        }
    };
    while n > 5 {
        n -= 1;
        ready(()).await;
    }
    found + n
}

#[observe]
async fn breaks_out_of_a_block(n: u8) -> u8 {
    'done: {
        if n == 0 {
            break 'done 7;
        }
        pause().await;
        n
    }
}

#[observe]
async fn ends_with_an_await(n: u8) -> u8 {
    ready(n).await
}

#[observe]
async fn ends_with_a_match_of_awaits(n: Option<u8>) -> u8 {
    match n {
        Some(n) => ready(n).await,
        None => {
            pause().await;
            0
        }
    }
}

#[observe]
async fn mutable_parameters(mut text: String, mut numbers: [u8; 2]) -> (String, [u8; 2]) {
    text.push('!');
    pause().await;
    numbers[0] += 1;
    (text, numbers)
}

#[observe]
async fn takes_a_future(future: impl Future<Output = u8>) -> u8 {
    future.await + 1
}

#[observe]
async fn takes_an_async_closure<F: AsyncFn(u8) -> u8>(call: F) -> u8 {
    call(1).await + call(2).await
}

#[observe]
async fn higher_ranked<F>(texts: &[String], pick: F) -> Option<&str>
where
    F: for<'a> Fn(&'a [String]) -> Option<&'a str>,
{
    pause().await;
    pick(texts)
}

#[observe]
#[observe(name = "inner")]
async fn is_observed_twice(n: u8) -> u8 {
    pause().await;
    n
}

#[observe(session = text, fields("length" = text.len(), "result" = output), output = output + text.len())]
async fn records_everything(text: String) -> usize {
    pause().await;
    text.len()
}

#[observe(err = debug)]
async fn nothing_or_an_error(fails: bool) -> Result<(), std::fmt::Error> {
    if fails { Err(std::fmt::Error) } else { Ok(()) }
}

pub(crate) fn drive(log: &mut Log) {
    log.shape("does_nothing", || wait!(does_nothing()));
    log.shape("in_one_line", || wait!(in_one_line(1)));
    log.shape("waits", || wait!(waits(1)));
    log.calls(0, "is_never_awaited", || drop(is_never_awaited(1)));
    log.calls(2, "returns_early", || [0, 1].map(|n| wait!(returns_early(n))));
    log.calls(2, "question_mark", || ["1", "x"].map(|text| wait!(question_mark(text))));
    log.calls(7, "question_mark_after_an_await", || {
        ["1", "0", "x"].map(|text| wait!(question_mark_after_an_await(text)))
    });
    log.calls(2, "question_mark_on_an_option", || {
        ["", "x"].map(|text| wait!(question_mark_on_an_option(text)))
    });
    log.shape("borrows", || {
        let mut numbers = vec![];
        (wait!(borrows("abc", &mut numbers)), numbers)
    });
    log.shape("generic", || wait!(generic::<_, 2>(&'x')));
    log.shape("opaque_parameter", || wait!(opaque_parameter("a b".split(' '), |word| note(word))));
    log.shape("opaque_result", || wait!(opaque_result(3)).count());
    log.calls(2, "opaque_result_in_a_result", || {
        [0, 1].map(|n| format!("{:?}", wait!(opaque_result_in_a_result(n))))
    });
    log.calls(2, "boxed_object", || [0, 1].map(|n| wait!(boxed_object(n))));
    log.calls(3, "boxed_object_in_a_result", || [0, 1, 2].map(|n| wait!(boxed_object_in_a_result(n))));
    log.calls(2, "closure_as_a_pointer", || [true, false].map(|up| wait!(closure_as_a_pointer(up))(1)));
    log.shape("never_returns", || -> u8 { wait!(never_returns()) });
    log.calls(2, "panics_after_an_await", || {
        (wait!(panics_after_an_await(4)), wait!(panics_after_an_await(3)))
    });
    // SAFETY: the pointer is to a live byte.
    log.shape("is_unsafe", || wait!(unsafe { is_unsafe(&7) }));
    // SAFETY: nothing is asked for.
    log.shape("is_unsafe_and_speaks_c", || wait!(unsafe { is_unsafe_and_speaks_c(1) }));
    log.shape("is_not_send", || wait!(is_not_send(Rc::new(Cell::new(1)))));
    log.shape("is_not_send_inside", || wait!(is_not_send_inside(1)));
    log.shape("is_send_after_all", || wait!(is_send_after_all(1)));
    log.shape("holds_a_cell", || wait!(holds_a_cell(&RefCell::new(1))));
    log.shape("takes_a_lock", || wait!(takes_a_lock(&Arc::default())));
    let depths = "CHAIN recursive\n  CHAIN recursive\n    CHAIN recursive\n      CHAIN recursive\n";
    log.tree(depths, "recursive", || wait!(recursive(3)));
    log.calls(3, "inner_async_block", || [0, 1, 7].map(|n| wait!(inner_async_block(n))));
    log.shape("inner_async_closure", || wait!(inner_async_closure(2)));
    log.tree("CHAIN joins\n  CHAIN waits\n  CHAIN waits\n", "joins", || wait!(joins(1)));
    log.calls(4, "joins_many", || wait!(joins_many(&[1, 2, 3])));
    log.calls(3, "selects", || wait!(selects()));
    log.tree("CHAIN hangs ! cancelled\n", "hangs", || abandon!(hangs()));
    log.shape("is_abandoned", || abandon!(is_abandoned(Loud("argument"))));
    log.calls(0, "is_dropped_before_its_start", || drop(is_abandoned(Loud("argument"))));
    log.shape("loops", || wait!(loops(1)));
    log.calls(2, "breaks_out_of_a_block", || [0, 1].map(|n| wait!(breaks_out_of_a_block(n))));
    log.shape("ends_with_an_await", || wait!(ends_with_an_await(1)));
    log.calls(2, "ends_with_a_match_of_awaits", || {
        [None, Some(1)].map(|n| wait!(ends_with_a_match_of_awaits(n)))
    });
    log.shape("mutable_parameters", || wait!(mutable_parameters("x".into(), [1, 2])));
    log.calls(2, "takes_a_future", || wait!(takes_a_future(waits(1))));
    log.shape("takes_an_async_closure", || wait!(takes_an_async_closure(async |n| n * 2)));
    log.shape("higher_ranked", || {
        let texts = ["a".to_owned()];
        wait!(higher_ranked(&texts, |texts| texts.first().map(String::as_str))).map(str::to_owned)
    });
    log.calls(2, "is_observed_twice", || wait!(is_observed_twice(1)));
    log.shape("records_everything", || wait!(records_everything("text".into())));
    log.calls(2, "nothing_or_an_error", || [true, false].map(|fails| wait!(nothing_or_an_error(fails))));
}
