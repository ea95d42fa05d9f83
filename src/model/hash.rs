//! The state hash: every column of the state, in a fixed order, as little-endian words.
//!
//! The state is walked through its own `Serialize`, so no column can be forgotten; −0 reads as +0; moving cells are taken
//! in the order of their ids, so that their order in memory does not matter.

use serde::Serialize;
use serde::ser;
use xxhash_rust::xxh3::Xxh3;

use crate::clock::Clock;
use crate::state::Tissue;
use crate::state::cells::{Adipocytes, Cells, Keratinocytes, Movers, Mural, Sprouts, Stroma};

/// Hash of a tissue at a step.
pub fn state_hash(tissue: &Tissue, clock: &Clock) -> u64 {
    let mut walk = Walk::default();
    // Walking into memory cannot fail.
    let _ = clock.step().serialize(&mut walk);
    let Tissue {
        grid,
        host,
        site,
        anatomy,
        fields,
        vessels,
        cells,
        burden,
        ledger,
        events,
    } = tissue;
    let cells = in_order(cells);
    let _ = (grid, host, site, anatomy, fields).serialize(&mut walk);
    let _ = (vessels, &cells, burden, ledger, events).serialize(&mut walk);
    walk.flush();
    walk.hash.digest()
}

/// Hash of every column by its path. A list of structs has one hash for each of their fields and each element, in order.
pub fn columns(tissue: &Tissue) -> Vec<(String, u64)> {
    let mut walk = Walk {
        columns: Some(Columns::default()),
        ..Walk::default()
    };
    let Tissue {
        grid,
        host,
        site,
        anatomy,
        fields,
        vessels,
        cells,
        burden,
        ledger,
        events,
    } = tissue;
    let cells = in_order(cells);
    walk.column("grid", grid);
    walk.column("host", host);
    walk.column("site", site);
    walk.column("anatomy", anatomy);
    walk.column("fields", fields);
    walk.column("vessels", vessels);
    walk.column("cells", &cells);
    walk.column("burden", burden);
    walk.column("ledger", ledger);
    walk.column("events", events);
    walk.columns.map(|columns| columns.found).unwrap_or_default()
}

/// [`Cells`] as they are hashed: the moving ones by their ids.
#[derive(Serialize)]
struct InOrder<'a> {
    mural: &'a Mural,
    adipocytes: &'a Adipocytes,
    stroma: &'a Stroma,
    keratinocytes: &'a Keratinocytes,
    neutrophils: Movers,
    macrophages: Movers,
    msc: Movers,
    sprouts: &'a Sprouts,
    supernatant: &'a [f32],
    thiosulfate_depot: &'a [f32],
}

fn in_order(cells: &Cells) -> InOrder<'_> {
    let by_id = |movers: &Movers| {
        let mut movers = movers.clone();
        movers.sort_by_place(|_, _| 0);
        movers
    };
    let Cells {
        mural,
        adipocytes,
        stroma,
        keratinocytes,
        neutrophils,
        macrophages,
        msc,
        sprouts,
        supernatant,
        thiosulfate_depot,
    } = cells;
    InOrder {
        mural,
        adipocytes,
        stroma,
        keratinocytes,
        neutrophils: by_id(neutrophils),
        macrophages: by_id(macrophages),
        msc: by_id(msc),
        sprouts,
        supernatant,
        thiosulfate_depot,
    }
}

/// Columns of a walk that keeps them apart.
#[derive(Default)]
struct Columns {
    path: Vec<&'static str>,
    found: Vec<(String, u64)>,
}

/// Bytes that wait for the hash.
const WAITING: usize = 1 << 14;

struct Walk {
    hash: Xxh3,
    buffer: Box<[u8; WAITING]>,
    filled: usize,
    columns: Option<Columns>,
}

impl Default for Walk {
    fn default() -> Self {
        Self {
            hash: Xxh3::default(),
            buffer: Box::new([0; WAITING]),
            filled: 0,
            columns: None,
        }
    }
}

impl Walk {
    /// One word: millions of them make a state.
    #[inline(always)]
    fn put<const N: usize>(&mut self, word: [u8; N]) {
        // A chunk of known length is one store; a slice would be a call for each word.
        if self.filled + N > WAITING {
            self.flush();
        }
        if let Some(place) = self.buffer[self.filled..].first_chunk_mut() {
            *place = word;
        }
        self.filled += N;
    }

    /// Words of one width, as far as they go: a loop without a question for each word, as they make up most of a state.
    fn column_of_words<const N: usize, I: Iterator<Item: Serialize>>(&mut self, elements: &mut I) -> Result<(), Never> {
        loop {
            if self.filled + N > WAITING {
                self.flush();
            }
            let (places, _) = self.buffer[self.filled..].as_chunks_mut::<N>();
            let (mut count, mut other) = (0, None);
            for (place, element) in places.iter_mut().zip(elements.by_ref()) {
                let word = element.serialize(AsWord).ok().filter(|word| word.width == N);
                let Some(bytes) = word.and_then(|word| word.bits.to_le_bytes().first_chunk().copied()) else {
                    other = Some(element);
                    break;
                };
                *place = bytes;
                count += 1;
            }
            self.filled += N * count;
            match other {
                Some(element) => element.serialize(&mut *self)?,
                None if count == 0 => return Ok(()),
                None => {}
            }
        }
    }

    #[cold]
    fn flush(&mut self) {
        self.hash.update(&self.buffer[..self.filled]);
        self.filled = 0;
    }

    /// Walks over one field of a struct; where columns are kept apart, what lies in it and in no column below is one column.
    fn column<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) {
        if let Some(columns) = &mut self.columns {
            columns.path.push(name);
            let before = columns.found.len();
            self.hash.reset();
            let _ = value.serialize(&mut *self);
            self.flush();
            let digest = self.hash.digest();
            if let Some(columns) = &mut self.columns {
                if columns.found.len() == before {
                    columns.found.push((columns.path.join("."), digest));
                }
                columns.path.pop();
            }
        } else {
            let _ = value.serialize(&mut *self);
        }
    }
}

/// A walk cannot fail, but serde wants an error type; [`AsWord`] says with it that something is not one number.
#[derive(Debug)]
struct Never;

impl std::fmt::Display for Never {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "not one number")
    }
}

impl std::error::Error for Never {}

impl ser::Error for Never {
    fn custom<T: std::fmt::Display>(_: T) -> Self {
        Never
    }
}

macro_rules! numbers {
    ($($name:ident: $type:ty),*) => {
        $(#[inline(always)]
        fn $name(self, v: $type) -> Result<(), Never> {
            self.put(v.to_le_bytes());
            Ok(())
        })*
    };
}

impl ser::Serializer for &mut Walk {
    type Ok = ();
    type Error = Never;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    numbers!(serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
             serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64);

    #[inline(always)]
    fn serialize_bool(self, v: bool) -> Result<(), Never> {
        self.put([u8::from(v)]);
        Ok(())
    }
    #[inline(always)]
    fn serialize_f32(self, v: f32) -> Result<(), Never> {
        // −0 + 0 is +0.
        self.put((v + 0.0).to_bits().to_le_bytes());
        Ok(())
    }
    #[inline(always)]
    fn serialize_f64(self, v: f64) -> Result<(), Never> {
        self.put((v + 0.0).to_bits().to_le_bytes());
        Ok(())
    }
    fn serialize_char(self, v: char) -> Result<(), Never> {
        self.serialize_u32(v as u32)
    }
    fn serialize_str(self, v: &str) -> Result<(), Never> {
        self.serialize_bytes(v.as_bytes())
    }
    fn serialize_bytes(self, v: &[u8]) -> Result<(), Never> {
        self.put((v.len() as u64).to_le_bytes());
        self.flush();
        self.hash.update(v);
        Ok(())
    }
    fn serialize_none(self) -> Result<(), Never> {
        self.serialize_u8(0)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, v: &T) -> Result<(), Never> {
        self.put([1]);
        v.serialize(self)
    }
    fn serialize_unit(self) -> Result<(), Never> {
        Ok(())
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Never> {
        Ok(())
    }
    #[inline(always)]
    fn serialize_unit_variant(self, _: &'static str, index: u32, _: &'static str) -> Result<(), Never> {
        self.serialize_u32(index)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, v: &T) -> Result<(), Never> {
        v.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        v: &T,
    ) -> Result<(), Never> {
        self.put(index.to_le_bytes());
        v.serialize(self)
    }
    fn serialize_seq(self, len: Option<usize>) -> Result<Self, Never> {
        self.put((len.unwrap_or(usize::MAX) as u64).to_le_bytes());
        Ok(self)
    }
    fn collect_seq<I: IntoIterator>(self, elements: I) -> Result<(), Never>
    where
        I::Item: Serialize,
    {
        let mut elements = elements.into_iter();
        self.serialize_seq(elements.size_hint().1)?;
        while let Some(first) = elements.next() {
            first.serialize(&mut *self)?;
            match first.serialize(AsWord).map(|word| word.width) {
                Ok(1) => self.column_of_words::<1, _>(&mut elements)?,
                Ok(4) => self.column_of_words::<4, _>(&mut elements)?,
                Ok(8) => self.column_of_words::<8, _>(&mut elements)?,
                _ => {}
            }
        }
        Ok(())
    }
    fn serialize_tuple(self, _: usize) -> Result<Self, Never> {
        Ok(self)
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, Never> {
        Ok(self)
    }
    fn serialize_tuple_variant(self, _: &'static str, index: u32, _: &'static str, _: usize) -> Result<Self, Never> {
        self.put(index.to_le_bytes());
        Ok(self)
    }
    fn serialize_map(self, len: Option<usize>) -> Result<Self, Never> {
        self.serialize_seq(len)
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Never> {
        Ok(self)
    }
    fn serialize_struct_variant(self, _: &'static str, index: u32, _: &'static str, _: usize) -> Result<Self, Never> {
        self.put(index.to_le_bytes());
        Ok(self)
    }
}

/// A number as it goes to the hash.
struct Word {
    /// Its lowest bytes count, as many as it is wide.
    bits: u64,
    width: usize,
}

/// Serializes a number as the word that it is, and refuses everything else.
struct AsWord;

/// What is not one number.
type NoWord = ser::Impossible<Word, Never>;

macro_rules! words {
    ($($name:ident: $type:ty),*) => {
        $(#[inline(always)]
        fn $name(self, v: $type) -> Result<Word, Never> {
            Ok(Word { bits: v as u64, width: size_of::<$type>() })
        })*
    };
}

impl ser::Serializer for AsWord {
    type Ok = Word;
    type Error = Never;
    type SerializeSeq = NoWord;
    type SerializeTuple = NoWord;
    type SerializeTupleStruct = NoWord;
    type SerializeTupleVariant = NoWord;
    type SerializeMap = NoWord;
    type SerializeStruct = NoWord;
    type SerializeStructVariant = NoWord;

    words!(serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
           serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64);

    #[inline(always)]
    fn serialize_bool(self, v: bool) -> Result<Word, Never> {
        self.serialize_u8(u8::from(v))
    }
    #[inline(always)]
    fn serialize_f32(self, v: f32) -> Result<Word, Never> {
        self.serialize_u32((v + 0.0).to_bits())
    }
    #[inline(always)]
    fn serialize_f64(self, v: f64) -> Result<Word, Never> {
        self.serialize_u64((v + 0.0).to_bits())
    }
    #[inline(always)]
    fn serialize_unit_variant(self, _: &'static str, index: u32, _: &'static str) -> Result<Word, Never> {
        self.serialize_u32(index)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, v: &T) -> Result<Word, Never> {
        v.serialize(self)
    }
    fn serialize_char(self, _: char) -> Result<Word, Never> {
        Err(Never)
    }
    fn serialize_str(self, _: &str) -> Result<Word, Never> {
        Err(Never)
    }
    fn serialize_bytes(self, _: &[u8]) -> Result<Word, Never> {
        Err(Never)
    }
    fn serialize_none(self) -> Result<Word, Never> {
        Err(Never)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<Word, Never> {
        Err(Never)
    }
    fn serialize_unit(self) -> Result<Word, Never> {
        Err(Never)
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<Word, Never> {
        Err(Never)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<Word, Never> {
        Err(Never)
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<NoWord, Never> {
        Err(Never)
    }
    fn serialize_tuple(self, _: usize) -> Result<NoWord, Never> {
        Err(Never)
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<NoWord, Never> {
        Err(Never)
    }
    fn serialize_tuple_variant(self, _: &'static str, _: u32, _: &'static str, _: usize) -> Result<NoWord, Never> {
        Err(Never)
    }
    fn serialize_map(self, _: Option<usize>) -> Result<NoWord, Never> {
        Err(Never)
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<NoWord, Never> {
        Err(Never)
    }
    fn serialize_struct_variant(self, _: &'static str, _: u32, _: &'static str, _: usize) -> Result<NoWord, Never> {
        Err(Never)
    }
}

macro_rules! compound {
    ($($trait:ident: $method:ident),*) => {
        $(impl ser::$trait for &mut Walk {
            type Ok = ();
            type Error = Never;
            #[inline(always)]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Never> {
                value.serialize(&mut **self)
            }
            fn end(self) -> Result<(), Never> {
                Ok(())
            }
        })*
    };
}

compound!(SerializeSeq: serialize_element, SerializeTuple: serialize_element, SerializeTupleStruct: serialize_field, SerializeTupleVariant: serialize_field);

impl ser::SerializeMap for &mut Walk {
    type Ok = ();
    type Error = Never;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Never> {
        key.serialize(&mut **self)
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Never> {
        value.serialize(&mut **self)
    }
    fn end(self) -> Result<(), Never> {
        Ok(())
    }
}

impl ser::SerializeStruct for &mut Walk {
    type Ok = ();
    type Error = Never;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Never> {
        self.column(name, value);
        Ok(())
    }
    fn end(self) -> Result<(), Never> {
        Ok(())
    }
}

impl ser::SerializeStructVariant for &mut Walk {
    type Ok = ();
    type Error = Never;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, _: &'static str, value: &T) -> Result<(), Never> {
        value.serialize(&mut **self)
    }
    fn end(self) -> Result<(), Never> {
        Ok(())
    }
}
