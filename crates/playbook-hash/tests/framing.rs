//! No two different inputs give one stream.
//!
//! A stream is laid out as `layout` says, by a second hand (`encode`), and read back (`decode`): what can be
//! read back cannot be two things. The digest of `Framed` being that of this stream shows that both hands
//! write the same.
#![cfg(test)]

use playbook_hash::Framed;
use playbook_types::digest::Digest;
use proptest::prelude::*;

const CONTEXT: &str = "playbook tests 2026-11 framing v1";

/// What stands at one place of a layout.
#[derive(Debug, Clone, PartialEq)]
enum Item {
    Tag(u8),
    Bytes(Vec<u8>),
    Digest([u8; 32]),
    Number(u64),
    List(Vec<Self>),
    Option(Option<Box<Self>>),
}

/// What a layout allows at one place.
#[derive(Debug, Clone)]
enum Shape {
    Tag,
    Bytes,
    Digest,
    Number,
    List(Box<Self>),
    Option(Box<Self>),
}

fn frame(framed: &mut Framed, item: &Item) {
    match item {
        Item::Tag(tag) => framed.tag(*tag),
        Item::Bytes(bytes) => framed.bytes(bytes),
        Item::Digest(bytes) => framed.digest(&Digest::from_bytes(*bytes)),
        Item::Number(number) => framed.u64(*number),
        Item::List(items) => {
            framed.len(items.len());
            for item in items {
                frame(framed, item);
            }
        }
        Item::Option(item) => framed.option(item.as_deref(), frame),
    }
}

fn encode(item: &Item, stream: &mut Vec<u8>) {
    match item {
        Item::Tag(tag) => stream.push(*tag),
        Item::Bytes(bytes) => {
            stream.extend((bytes.len() as u64).to_le_bytes());
            stream.extend(bytes);
        }
        Item::Digest(bytes) => stream.extend(bytes),
        Item::Number(number) => stream.extend(number.to_le_bytes()),
        Item::List(items) => {
            stream.extend((items.len() as u64).to_le_bytes());
            for item in items {
                encode(item, stream);
            }
        }
        Item::Option(None) => stream.push(0),
        Item::Option(Some(item)) => {
            stream.push(1);
            encode(item, stream);
        }
    }
}

fn take<'a>(stream: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (taken, rest) = stream.split_at(count);
    *stream = rest;
    taken
}

fn number(stream: &mut &[u8]) -> u64 {
    u64::from_le_bytes(take(stream, 8).try_into().unwrap())
}

fn decode(shape: &Shape, stream: &mut &[u8]) -> Item {
    match shape {
        Shape::Tag => Item::Tag(take(stream, 1)[0]),
        Shape::Bytes => {
            let count = usize::try_from(number(stream)).unwrap();
            Item::Bytes(take(stream, count).to_vec())
        }
        Shape::Digest => Item::Digest(take(stream, 32).try_into().unwrap()),
        Shape::Number => Item::Number(number(stream)),
        Shape::List(shape) => {
            Item::List((0..number(stream)).map(|_| decode(shape, stream)).collect())
        }
        Shape::Option(shape) => {
            let is_some = take(stream, 1) == [1];
            Item::Option(is_some.then(|| Box::new(decode(shape, stream))))
        }
    }
}

fn shapes() -> impl Strategy<Value = Vec<Shape>> {
    let leaf = prop_oneof![
        Just(Shape::Tag),
        Just(Shape::Bytes),
        Just(Shape::Digest),
        Just(Shape::Number)
    ];
    let shape = leaf.prop_recursive(2, 6, 1, |inner| {
        prop_oneof![
            inner.clone().prop_map(|shape| Shape::List(Box::new(shape))),
            inner.prop_map(|shape| Shape::Option(Box::new(shape))),
        ]
    });
    prop::collection::vec(shape, 0..6)
}

fn items(shape: &Shape) -> BoxedStrategy<Item> {
    match shape {
        Shape::Tag => any::<u8>().prop_map(Item::Tag).boxed(),
        // Few different bytes, so that what runs together does so soon.
        Shape::Bytes => prop::collection::vec(0_u8..3, 0..12)
            .prop_map(Item::Bytes)
            .boxed(),
        Shape::Digest => any::<[u8; 32]>().prop_map(Item::Digest).boxed(),
        Shape::Number => any::<u64>().prop_map(Item::Number).boxed(),
        Shape::List(shape) => prop::collection::vec(items(shape), 0..4)
            .prop_map(Item::List)
            .boxed(),
        Shape::Option(shape) => prop::option::of(items(shape))
            .prop_map(|item| Item::Option(item.map(Box::new)))
            .boxed(),
    }
}

fn cases() -> impl Strategy<Value = (Vec<Shape>, Vec<Item>)> {
    shapes().prop_flat_map(|shapes| {
        let all: Vec<_> = shapes.iter().map(items).collect();
        (Just(shapes), all)
    })
}

fn digest(items: &[Item]) -> Digest {
    let mut framed = Framed::new(CONTEXT);
    for item in items {
        frame(&mut framed, item);
    }
    framed.finish()
}

fn stream(items: &[Item]) -> Vec<u8> {
    let mut stream = Vec::new();
    for item in items {
        encode(item, &mut stream);
    }
    stream
}

proptest! {
    #[test]
    fn a_stream_reads_back_to_what_was_written((shapes, items) in cases()) {
        let stream = stream(&items);
        let mut rest = stream.as_slice();
        let read: Vec<Item> = shapes.iter().map(|shape| decode(shape, &mut rest)).collect();
        prop_assert_eq!(&read, &items);
        prop_assert!(rest.is_empty());
        prop_assert_eq!(*digest(&items).as_bytes(), blake3::derive_key(CONTEXT, &stream));
    }

    #[test]
    fn the_same_text_cut_elsewhere_is_another(text in "[ab]{0,8}", first in 0_usize..9, second in 0_usize..9) {
        let cut = |at: usize| {
            let (front, back) = text.split_at(at.min(text.len()));
            digest(&[Item::Bytes(front.into()), Item::Bytes(back.into())])
        };
        let same = first.min(text.len()) == second.min(text.len());
        prop_assert_eq!(cut(first) == cut(second), same);
    }
}

#[test]
fn contexts_keep_apart() {
    assert_ne!(
        Framed::new(CONTEXT).finish(),
        Framed::new("playbook tests 2026-11 framing v2").finish()
    );
}
