//! Results that borrow from the arguments: the shapes of tracing's issues 2796 and 2857, and similar ones.

use std::cell::{Ref, RefCell, RefMut};
use std::collections::HashMap;
use std::fmt::Write;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard};

use crate::log::{Log, pause, wait};
use crate::observe;

#[derive(Debug, Default)]
struct Shelf {
    books: Vec<String>,
    by_name: HashMap<String, usize>,
}

#[derive(Debug)]
struct View<'a> {
    numbers: &'a mut Vec<u8>,
}

impl Shelf {
    fn of(books: &[&str]) -> Self {
        Self { books: books.iter().copied().map(str::to_owned).collect(), by_name: HashMap::new() }
    }

    #[observe]
    fn first(&mut self) -> Option<&mut String> {
        self.books.first_mut()
    }

    #[observe]
    fn at(&mut self, index: usize) -> Result<&mut String, String> {
        self.books.get_mut(index).ok_or_else(|| format!("no book {index}"))
    }

    #[observe]
    fn at_with_a_question_mark(&mut self, index: usize) -> Result<&mut str, String> {
        let book = self.books.get_mut(index).ok_or("no book")?;
        book.push('!');
        Ok(book.as_mut_str())
    }

    #[observe]
    fn itself(&mut self, book: &str) -> Result<&mut Self, std::fmt::Error> {
        self.books.last_mut().ok_or(std::fmt::Error)?.write_str(book)?;
        Ok(self)
    }

    #[observe]
    fn entry(&mut self, name: &str) -> &mut usize {
        self.by_name.entry(name.to_owned()).or_insert(7)
    }

    #[observe]
    fn both(&mut self) -> (&mut Vec<String>, &mut HashMap<String, usize>) {
        (&mut self.books, &mut self.by_name)
    }

    #[observe]
    fn iterate(&mut self) -> impl Iterator<Item = &mut String> {
        self.books.iter_mut().rev()
    }

    #[observe]
    async fn later(&mut self, index: usize) -> Result<&mut String, String> {
        pause().await;
        self.books.get_mut(index).ok_or_else(|| "no book".to_owned())
    }

    #[observe]
    async fn chained(&mut self, book: &str) -> Result<&mut Self, String> {
        pause().await;
        if book.is_empty() {
            return Err("empty".into());
        }
        self.books.push(book.to_owned());
        Ok(self)
    }
}

impl<'a> View<'a> {
    #[observe]
    fn push(&mut self, n: u8) -> Result<&mut Self, u8> {
        if n == 0 {
            return Err(n);
        }
        self.numbers.push(n);
        Ok(self)
    }

    #[observe]
    fn into_numbers(self) -> &'a mut Vec<u8> {
        self.numbers
    }

    #[observe]
    fn reborrowed(&mut self) -> View<'_> {
        View { numbers: self.numbers }
    }
}

#[observe]
fn argument_itself(numbers: &mut Vec<u8>) -> Result<&mut Vec<u8>, ()> {
    if numbers.is_empty() {
        return Err(());
    }
    numbers.clear();
    Ok(numbers)
}

#[observe]
fn reference_in_a_reference<'a>(text: &mut &'a str, length: usize) -> Option<&'a str> {
    let (head, tail) = text.split_at_checked(length)?;
    *text = tail;
    Some(head)
}

#[observe]
fn slice_split(bytes: &mut [u8]) -> Result<(&mut [u8], &mut [u8]), &'static str> {
    if bytes.len() < 2 {
        return Err("too short");
    }
    Ok(bytes.split_at_mut(1))
}

#[observe]
fn longer<'a>(left: &'a mut String, right: &'a mut String) -> &'a mut String {
    if left.len() > right.len() { left } else { right }
}

#[observe]
fn used_after_a_borrow(numbers: &mut Vec<u8>) -> usize {
    let first = &mut numbers[0];
    *first += 1;
    numbers.push(3);
    numbers.len()
}

#[observe]
fn shared_from_a_cell(cell: &RefCell<Vec<u8>>) -> Ref<'_, u8> {
    Ref::map(cell.borrow(), |numbers| &numbers[0])
}

#[observe]
fn mutable_from_a_cell(cell: &RefCell<u8>) -> Result<RefMut<'_, u8>, std::cell::BorrowMutError> {
    cell.try_borrow_mut()
}

#[observe]
fn guard_of_a_lock(lock: &Mutex<u8>) -> Option<MutexGuard<'_, u8>> {
    lock.lock().ok()
}

#[observe]
fn pinned(text: Pin<&mut String>) -> Result<&mut String, String> {
    if text.is_empty() { Err("empty".into()) } else { Ok(text.get_mut()) }
}

#[observe]
fn written<'w, W: Write>(writer: &'w mut W, text: &str) -> Result<&'w mut W, std::fmt::Error> {
    writer.write_str(text)?;
    Ok(writer)
}

#[observe(err = debug, fields("length" = output.len()))]
fn recorded_result(numbers: &mut [u8]) -> Result<&mut [u8], String> {
    if numbers.len() < 2 { Err("short".into()) } else { Ok(&mut numbers[1..]) }
}

#[observe]
async fn argument_later(numbers: &mut Vec<u8>) -> Result<&mut u8, String> {
    pause().await;
    let first = numbers.first_mut().ok_or("empty")?;
    *first += 1;
    Ok(first)
}

#[observe]
async fn argument_in_a_reference<'a>(text: &mut &'a str) -> Option<&'a str> {
    let (head, tail) = text.split_at_checked(1)?;
    pause().await;
    *text = tail;
    Some(head)
}

pub(crate) fn drive(log: &mut Log) {
    let shelf = || Shelf::of(&["a", "b"]);
    log.shape("first", || shelf().first().map(|book| book.push('!')));
    log.calls(2, "at", || (shelf().at(1).cloned(), shelf().at(2).cloned()));
    log.shape("at_with_a_question_mark", || shelf().at_with_a_question_mark(0).map(|book| book.to_owned()));
    log.calls(2, "itself", || shelf().itself("c")?.itself("d").map(|shelf| shelf.books.clone()));
    log.shape("entry", || {
        let mut shelf = shelf();
        *shelf.entry("x") += 1;
        shelf
    });
    log.shape("both", || shelf().both().0.len());
    log.shape("iterate", || shelf().iterate().map(|book| book.clone()).collect::<String>());
    log.shape("later", || wait!(shelf().later(1)).cloned());
    log.calls(2, "chained", || {
        let mut shelf = shelf();
        let failed = wait!(shelf.chained("")).is_err();
        (failed, wait!(shelf.chained("c")).map(|shelf| shelf.books.len()))
    });
    log.calls(3, "push", || {
        let mut numbers = Vec::new();
        let mut view = View { numbers: &mut numbers };
        let failed = view.push(1).and_then(|view| view.push(2)).and_then(|view| view.push(0)).is_err();
        (failed, numbers)
    });
    log.calls(2, "into_numbers", || View { numbers: &mut vec![1] }.reborrowed().into_numbers().clone());
    log.calls(2, "argument_itself", || {
        (argument_itself(&mut vec![1]).cloned(), argument_itself(&mut vec![]).cloned())
    });
    log.calls(3, "reference_in_a_reference", || {
        let mut text = "abc";
        [1, 1, 2].map(|length| reference_in_a_reference(&mut text, length))
    });
    log.shape("slice_split", || slice_split(&mut [1, 2, 3]).map(|(head, tail)| (head.len(), tail.len())));
    log.shape("longer", || longer(&mut "a".into(), &mut "bc".into()).clone());
    log.shape("used_after_a_borrow", || used_after_a_borrow(&mut vec![1]));
    log.shape("shared_from_a_cell", || *shared_from_a_cell(&RefCell::new(vec![1])));
    log.calls(2, "mutable_from_a_cell", || {
        let cell = RefCell::new(1);
        let first = mutable_from_a_cell(&cell);
        let second = mutable_from_a_cell(&cell);
        (first.is_ok(), second.is_ok())
    });
    log.shape("guard_of_a_lock", || guard_of_a_lock(&Mutex::new(1)).map(|guard| *guard));
    log.shape("pinned", || pinned(Pin::new(&mut "a".into())).cloned());
    log.shape("written", || written(&mut String::new(), "text").cloned());
    log.calls(2, "recorded_result", || {
        (recorded_result(&mut [1, 2]).map(|tail| tail.len()), recorded_result(&mut [1]).is_err())
    });
    log.calls(2, "argument_later", || {
        (wait!(argument_later(&mut vec![1])).copied(), wait!(argument_later(&mut vec![])).copied())
    });
    log.shape("argument_in_a_reference", || {
        let mut text = "abc";
        (wait!(argument_in_a_reference(&mut text)), text)
    });
}
