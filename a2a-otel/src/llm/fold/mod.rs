//! JSON that grows chunk by chunk, by the rules of a shape. The rules are the same for every provider:
//!
//! - An element of a list is told by its `id` where it has one (`list.rs`). Ids, names, roles and types are set once.
//! - Nothing destroys what is known: absent, `null`, `""`, `[]` and `{}` change nothing, and a value of another JSON type
//!   joins what came before it.
//! - A text may be cut anywhere, even within an escape, so texts are joined as they are written in JSON.

mod list;
mod piece;
mod room;
mod rule;

use self::piece::{Piece, id_of};
use self::room::Room;
pub(super) use self::rule::Rule;
use crate::json::Node;

/// JSON that grows piece by piece, with a limit for the whole.
#[derive(Debug)]
pub(super) struct Grown {
    root: Piece,
    room: Room,
}

/// A position in growing JSON. It has no piece if there is no room left.
pub(super) struct Slot<'a> {
    piece: Option<&'a mut Piece>,
    room: &'a mut Room,
}

impl Grown {
    pub(super) fn up_to(limit: usize) -> Self {
        Self { root: Piece::Nothing, room: Room::of(limit) }
    }

    pub(super) fn write(mut self, json: &mut String) {
        if let Some(mark) = self.room.missing_mark()
            && let Some(text) = self.root.last_text()
        {
            text.push_str(&mark);
        }
        self.root.write(json);
    }

    pub(super) fn root(&mut self) -> Slot<'_> {
        Slot { piece: Some(&mut self.root), room: &mut self.room }
    }
}

impl Slot<'_> {
    fn go(self, to: impl for<'a> FnOnce(&'a mut Piece, &mut Room) -> Option<&'a mut Piece>) -> Self {
        let Self { piece, room } = self;
        Self { piece: piece.and_then(|piece| to(piece, room)), room }
    }

    pub(super) fn field(self, name: &str) -> Self {
        self.go(|piece, room| piece.field(name, room))
    }

    /// The latest element with this number.
    pub(super) fn item(self, number: i64) -> Self {
        self.go(|piece, room| piece.item(number, room))
    }

    /// The element with this id, or else the latest one with this number.
    pub(super) fn known(self, id: Option<Node<'_>>, number: Option<i64>) -> Self {
        self.go(|piece, room| piece.known(id_of(id), number, room))
    }

    /// A new element with this number.
    pub(super) fn begin(self, number: i64) -> Self {
        self.go(|piece, room| piece.begin(Some(number), None, room))
    }

    /// The element that this is a piece of, by its id or else this number. A new one if there is none.
    pub(super) fn element(self, node: Option<Node<'_>>, number: Option<i64>) -> Self {
        self.go(|piece, room| piece.element(node?, number, true, room))
    }

    /// The same, as an object of this type if it has none yet. An empty type says nothing.
    pub(super) fn with_type(self, kind: &str) -> Self {
        self.go(|piece, room| {
            piece.set_type(kind, room);
            Some(piece)
        })
    }

    /// Adds a piece by the rule.
    pub(super) fn merge(self, rule: &Rule, node: Option<Node<'_>>) {
        if let (Some(piece), Some(node)) = (self.piece, node) {
            piece.merge(rule, node, self.room);
        }
    }
}
