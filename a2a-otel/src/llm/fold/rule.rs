//! How a new piece joins the pieces before it.

/// How a new piece joins the pieces before it.
#[derive(Debug)]
pub(crate) enum Rule {
    /// The newest value is kept; of two objects, the newest value of each field.
    Update,
    /// The newest value is kept, also of objects: each piece is the whole so far.
    Replace,
    /// The first value is kept: ids, names, roles and types are set once.
    Keep,
    /// The largest number is kept.
    Largest,
    /// The value is dropped.
    Skip,
    /// The value is dropped if the object has this field too, or else follows the other rule.
    Unless(&'static str, &'static Rule),
    /// A text, or a list of parts. Texts are appended; a part continues the last one if both differ in their texts only.
    /// Both may come in one answer.
    Append,
    /// The text is appended, and is JSON once it is complete.
    AppendJson,
    /// The text is appended. Instead of an empty text there is this one: a call without arguments has an empty object,
    /// whether the provider says so or not.
    AppendOr(&'static str),
    /// The value is added to the end of the list.
    Push,
    /// The items are added to the end of the list.
    Extend,
    /// Each field follows its own rule, under its name in the whole. All other fields are updated.
    Object(&'static [(&'static str, &'static str, Rule)]),
    /// Each item is a piece of an element of the list, which is told by its id, or else by its number (`index`).
    Elements(&'static Rule),
    /// Each item is a piece of the element with its number (`index`). The first item without a number has number 0.
    Numbered(&'static Rule),
}
