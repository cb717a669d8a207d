//! Where in a body a type did not fit, told only in key names that our own types declare (`fields` of `deserialize_struct`).
//!
//! A key the client chose never enters a pointer: the pointer ends before it (I6, test A05).

use super::{JsonFault, Reason};
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, Visitor};
use smallvec::SmallVec;
use std::cell::RefCell;
use std::fmt;
use zeroize::Zeroizing;

type Names = &'static [&'static str];

#[derive(Clone, Copy)]
enum Step {
    Name(&'static str),
    Item(usize),
    Theirs,
}

/// The way down to where reading stands; it stays where it was when reading fails.
#[derive(Default)]
pub(super) struct Track {
    path: RefCell<SmallVec<[Step; 16]>>,
    declared: RefCell<SmallVec<[Names; 8]>>,
}

impl Track {
    pub(super) fn deserializer<D>(&self, inner: D) -> Tracked<'_, D> {
        Tracked { inner, track: self, fields: &[] }
    }

    pub(super) fn fault(&self, error: &serde_json::Error) -> JsonFault {
        if error.is_syntax() || error.is_eof() || error.is_io() {
            return Reason::Syntax.into();
        }
        // May quote what was sent: looked at here, then zeroed.
        let message = Zeroizing::new(error.to_string());
        let mut pointer = self.pointer();
        let reason = if message.starts_with("unknown field") {
            Reason::UnknownKey
        } else if let Some(rest) = message.strip_prefix("missing field `") {
            let declared = self.declared.borrow();
            let wanted = rest.split('`').next().unwrap_or("");
            if let Some(name) = declared.iter().rev().flat_map(|names| names.iter()).find(|n| **n == wanted) {
                push_escaped(&mut pointer, name);
            }
            Reason::MissingKey
        } else {
            Reason::WrongType
        };
        JsonFault { reason, pointer }
    }

    /// Where reading stands.
    pub(super) fn pointer(&self) -> String {
        let mut pointer = String::new();
        for step in self.path.borrow().iter() {
            match step {
                Step::Name(name) => push_escaped(&mut pointer, name),
                Step::Item(index) => push_escaped(&mut pointer, &index.to_string()),
                Step::Theirs => break,
            }
        }
        pointer
    }

    fn inside<T, E>(&self, step: Step, read: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        self.path.borrow_mut().push(step);
        let value = read()?;
        self.path.borrow_mut().pop();
        Ok(value)
    }
}

fn push_escaped(pointer: &mut String, name: &str) {
    pointer.push('/');
    pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
}

/// A deserializer, seed, visitor or access with the track beside it.
pub(super) struct Tracked<'t, D> {
    inner: D,
    track: &'t Track,
    fields: Names,
}

impl<'t, D> Tracked<'t, D> {
    fn with<T>(&self, inner: T) -> Tracked<'t, T> {
        Tracked { inner, track: self.track, fields: self.fields }
    }
}

macro_rules! forward {
    ($($method:ident($($arg:ident: $ty:ty),*);)*) => {$(
        fn $method<V: Visitor<'de>>(self, $($arg: $ty,)* visitor: V) -> Result<V::Value, D::Error> {
            let visitor = Tracked { inner: visitor, track: self.track, fields: &[] };
            self.inner.$method($($arg,)* visitor)
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Tracked<'_, D> {
    type Error = D::Error;
    forward! {
        deserialize_any(); deserialize_bool(); deserialize_i8(); deserialize_i16(); deserialize_i32();
        deserialize_i64(); deserialize_i128(); deserialize_u8(); deserialize_u16(); deserialize_u32();
        deserialize_u64(); deserialize_u128(); deserialize_f32(); deserialize_f64(); deserialize_char();
        deserialize_str(); deserialize_string(); deserialize_bytes(); deserialize_byte_buf();
        deserialize_option(); deserialize_unit(); deserialize_seq(); deserialize_map();
        deserialize_identifier(); deserialize_ignored_any();
        deserialize_unit_struct(name: &'static str); deserialize_newtype_struct(name: &'static str);
        deserialize_tuple(len: usize); deserialize_tuple_struct(name: &'static str, len: usize);
        deserialize_enum(name: &'static str, variants: Names);
    }
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: Names,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.track.declared.borrow_mut().push(fields);
        self.inner.deserialize_struct(name, fields, Tracked { inner: visitor, track: self.track, fields })
    }
    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

macro_rules! scalars {
    ($($method:ident($ty:ty);)*) => {$(
        fn $method<E: Error>(self, value: $ty) -> Result<V::Value, E> {
            self.inner.$method(value)
        }
    )*};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Tracked<'_, V> {
    type Value = V::Value;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }
    scalars! {
        visit_bool(bool); visit_i64(i64); visit_u64(u64); visit_f64(f64); visit_char(char);
        visit_str(&str); visit_borrowed_str(&'de str); visit_string(String);
        visit_bytes(&[u8]); visit_borrowed_bytes(&'de [u8]); visit_byte_buf(Vec<u8>);
    }
    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }
    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }
    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        let inner = self.with(inner);
        self.inner.visit_some(inner)
    }
    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        let inner = self.with(inner);
        self.inner.visit_newtype_struct(inner)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        let items = Items { access: inner, track: self.track, next: 0 };
        self.inner.visit_seq(items)
    }
    fn visit_map<A: MapAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        let keys = Keys { access: inner, track: self.track, fields: self.fields, current: None };
        self.inner.visit_map(keys)
    }
    fn visit_enum<A: EnumAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        self.inner.visit_enum(inner)
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Tracked<'_, S> {
    type Value = S::Value;
    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<S::Value, D::Error> {
        let inner = self.with(inner);
        self.inner.deserialize(inner)
    }
}

struct Items<'t, A> {
    access: A,
    track: &'t Track,
    next: usize,
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Items<'_, A> {
    type Error = A::Error;
    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        let (track, step) = (self.track, Step::Item(self.next));
        self.next += 1;
        track.inside(step, || self.access.next_element_seed(track.deserializer(seed)))
    }
    fn size_hint(&self) -> Option<usize> {
        self.access.size_hint()
    }
}

struct Keys<'t, A> {
    access: A,
    track: &'t Track,
    fields: Names,
    current: Option<&'static str>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Keys<'_, A> {
    type Error = A::Error;
    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.current = None;
        let seed = KeyReader { inner: seed, fields: self.fields, found: &mut self.current };
        self.access.next_key_seed(seed)
    }
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        let track = self.track;
        let step = self.current.map_or(Step::Theirs, Step::Name);
        track.inside(step, || self.access.next_value_seed(track.deserializer(seed)))
    }
    fn size_hint(&self) -> Option<usize> {
        self.access.size_hint()
    }
}

/// Seed, deserializer and visitor of a key: notes which declared name it is.
struct KeyReader<'f, T> {
    inner: T,
    fields: Names,
    found: &'f mut Option<&'static str>,
}

impl<T> KeyReader<'_, T> {
    fn note(&mut self, key: &str) {
        *self.found = self.fields.iter().copied().find(|name| *name == key);
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for KeyReader<'_, S> {
    type Value = S::Value;
    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<S::Value, D::Error> {
        self.inner.deserialize(KeyReader { inner, fields: self.fields, found: self.found })
    }
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for KeyReader<'_, D> {
    type Error = D::Error;
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_any(KeyReader { inner: visitor, fields: self.fields, found: self.found })
    }
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: Names,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.inner.deserialize_enum(name, variants, visitor)
    }
    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for KeyReader<'_, V> {
    type Value = V::Value;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }
    fn visit_str<E: Error>(mut self, key: &str) -> Result<V::Value, E> {
        self.note(key);
        self.inner.visit_str(key)
    }
    fn visit_borrowed_str<E: Error>(mut self, key: &'de str) -> Result<V::Value, E> {
        self.note(key);
        self.inner.visit_borrowed_str(key)
    }
}
