//! A list whose elements grow, and how its elements are told apart.

use std::collections::{BTreeMap, HashMap};

/// A list whose elements grow.
#[derive(Debug)]
pub(super) struct List<Element> {
    elements: BTreeMap<i64, Element>,
    /// Where the element with an id is.
    by_id: HashMap<Box<str>, i64>,
    /// Where the latest element with a number is: at that place, unless it was taken.
    by_number: BTreeMap<i64, i64>,
    /// The element that was last added to.
    last: Option<i64>,
    /// Whether some of it came as a text instead of a list of parts.
    pub(super) has_text: bool,
}

/// What tells the element that a piece belongs to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mark<'a> {
    /// As written in JSON.
    pub(super) id: Option<&'a str>,
    pub(super) number: Option<i64>,
    /// Whether the piece may continue the last element if it has neither id nor number.
    pub(super) continues: bool,
}

impl<Element> Default for List<Element> {
    fn default() -> Self {
        Self {
            elements: BTreeMap::new(),
            by_id: HashMap::new(),
            by_number: BTreeMap::new(),
            last: None,
            has_text: false,
        }
    }
}

impl<Element: Default> List<Element> {
    /// Where the element of a piece is. The id decides: the same id is the same element, whatever the number says. Without
    /// a known id, the number decides; without both, the piece continues the last element. In these cases `fits` says
    /// whether the piece can belong to that element.
    pub(super) fn find(&self, mark: Mark<'_>, fits: impl FnOnce(&Element) -> bool) -> Option<i64> {
        if let Some(place) = mark.id.and_then(|id| self.place_of_id(id)) {
            return Some(place);
        }
        let place = match mark.number {
            Some(number) => self.place(number),
            None => self.last.filter(|_| mark.continues),
        }?;
        self.elements.get(&place).is_some_and(fits).then_some(place)
    }

    /// Where the latest element with a number is.
    pub(super) fn place(&self, number: i64) -> Option<i64> {
        self.by_number.get(&number).copied()
    }

    pub(super) fn place_of_id(&self, id: &str) -> Option<i64> {
        self.by_id.get(id).copied()
    }

    /// Where a new element will be: at its number, or at the end if that is taken.
    pub(super) fn place_of_new(&mut self, number: Option<i64>) -> i64 {
        let free = number.filter(|number| !self.elements.contains_key(number));
        let place = free.unwrap_or_else(|| self.end());
        if let Some(number) = number {
            self.renumber(place, number);
        }
        place
    }

    /// Lets a number mean the element at a place.
    pub(super) fn renumber(&mut self, place: i64, number: i64) {
        self.by_number.insert(number, place);
    }

    /// Gives the element at a place an id.
    pub(super) fn name(&mut self, place: i64, id: &str) {
        self.by_id.insert(id.into(), place);
    }

    /// The element at a place, which is the last one that was added to from now on.
    pub(super) fn at(&mut self, place: i64) -> &mut Element {
        self.last = Some(place);
        self.elements.entry(place).or_default()
    }

    /// The element at the end.
    pub(super) fn final_element(&mut self) -> Option<&mut Element> {
        self.elements.values_mut().next_back()
    }

    pub(super) fn elements(&self) -> impl ExactSizeIterator<Item = &Element> {
        self.elements.values()
    }

    pub(super) fn elements_from_end(&mut self) -> impl Iterator<Item = &mut Element> {
        self.elements.values_mut().rev()
    }

    fn end(&self) -> i64 {
        self.elements.last_key_value().map_or(0, |(last, _)| last.saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::{List, Mark};

    /// The element of a piece that always fits, begun if there is none. Returns where it is, and how many elements were
    /// looked at.
    fn take(list: &mut List<()>, id: Option<&str>, number: Option<i64>) -> (i64, usize) {
        let looked_at = Cell::new(0);
        let fits = |(): &()| {
            looked_at.set(looked_at.get() + 1);
            id.is_none()
        };
        let place = list.find(Mark { id, number, continues: true }, fits);
        let place = place.unwrap_or_else(|| list.place_of_new(number));
        if let Some(id) = id {
            list.name(place, id);
        }
        if let Some(number) = number {
            list.renumber(place, number);
        }
        list.at(place);
        (place, looked_at.get())
    }

    #[test]
    fn no_piece_makes_the_list_search_its_elements() {
        for number_of in [|_| None, |_| Some(0), Some] {
            let mut list = List::default();
            let ids: Vec<_> = (0..10_000).map(|number| format!("\"call_{number}\"")).collect();
            for round in 0..2 {
                let taken = ids.iter().zip(0..).map(|(id, at)| take(&mut list, Some(id), number_of(at)));
                let taken: Vec<_> = taken.collect();
                assert!(taken.iter().map(|(place, _)| *place).eq(0..10_000), "round {round}");
                assert!(taken.iter().all(|(_, looked_at)| *looked_at <= 1), "round {round}");
            }
        }
    }

    #[test]
    fn a_number_means_the_latest_element_that_has_it() {
        let mut list = List::default();
        assert_eq!(take(&mut list, Some("a"), Some(0)).0, 0);
        assert_eq!(take(&mut list, Some("b"), Some(0)).0, 1);
        assert_eq!(take(&mut list, None, Some(0)).0, 1);
        assert_eq!(take(&mut list, Some("a"), Some(0)).0, 0);
        assert_eq!(take(&mut list, None, None).0, 0);
        assert_eq!(take(&mut list, None, Some(0)).0, 0);
        assert_eq!(take(&mut list, None, Some(1)).0, 2, "the one at place 1 has number 0");
    }
}
