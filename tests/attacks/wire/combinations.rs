//! Row 8: a request with an odd pair of options ended others' process. Here every route is asked with combinations of its
//! keys, each with values that nobody means; the process lives, and nothing in it panics.

use super::contract::{World, operations, places, with};
use super::tools::{figure, is_sound};
use serde_json::{Value, json};

/// A small generator with a seed, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(most).unwrap()).unwrap()
    }
}

/// Values at the edges of what types hold.
fn odd() -> Vec<Value> {
    let mut all: Vec<Value> = [
        "",
        " ",
        "0",
        "0s",
        "1s",
        "99999y",
        "99999mo",
        "1y",
        "0001-01-01",
        "9999-12-31",
        "2024-02-29",
        "9999-12-31T23:59:59.999Z",
        "0001-01-01T00:00:00Z",
        "1970-01-01T00:00:00+23:59",
        "plain",
        "masked",
        "shop",
        "storefront",
        "contact",
        "contact.name",
        "name",
        "order_fulfilment",
        "newsletter",
        "DE",
        "rec_",
        "sub_0000000000000000000000000a",
        "srx_0",
        "*",
        "a.b.c",
        "::1",
        "255.255.255.255",
    ]
    .iter()
    .map(|text| json!(text))
    .collect();
    let numbers = [
        0,
        1,
        -1,
        i64::from(u32::MAX),
        i64::from(u32::MAX) + 1,
        i64::from(i32::MIN),
        i64::MAX,
        i64::MIN,
        65_535,
        65_536,
    ];
    all.extend(numbers.iter().map(|n| json!(n)));
    all.extend([
        Value::Null,
        json!(true),
        json!(false),
        json!([]),
        json!({}),
        json!([[]]),
        json!([null]),
        json!({"": ""}),
    ]);
    all.extend([
        json!(vec!["x"; 1_001]),
        json!({"kind": "order", "ref": ""}),
        json!(["name", "name"]),
        json!("\u{10ffff}".repeat(300)),
    ]);
    all
}

/// "Sends hostile input" in the table of attackers: no panic on input.
#[test]
fn l08_no_combination_of_parameters_ends_the_process() {
    let world = World::new();
    let (odd, seed) = (odd(), 0x5eed_7718);
    let rounds = if std::env::var_os("STRONGROOM_LONG").is_some() { 4_000 } else { 150 };
    let (mut dice, mut count) = (Dice(seed), 0);
    for operation in operations() {
        let good = world.good(&operation);
        let mut client = world.client(good.client);
        for _ in 0..rounds {
            let mut body = good.body.clone();
            // Keys are left out, then some of what is left is made odd.
            for at in places(&good.body) {
                let Some((above, key)) = at.rsplit_once('/') else { continue };
                if dice.below(4) == 0 {
                    let parent = body.pointer_mut(above).and_then(Value::as_object_mut);
                    let _ = parent.map(|object| object.remove(key));
                }
            }
            for at in places(&body).into_iter().rev() {
                if !at.is_empty() && dice.below(3) == 0 {
                    body = with(&body, &at, odd[dice.below(odd.len())].clone());
                }
            }
            let lines = [("Accept", "application/x-ndjson"), ("Idempotency-Key", "again")];
            let headers = &lines[dice.below(3).min(2)..];
            let text = body.to_string();
            let reply = client.send((&operation.method, &good.path), headers, Some(&text));
            assert!(
                reply.status() < 500,
                "{} {} with {text}: {}",
                operation.method,
                operation.template,
                reply.text()
            );
            count += 1;
        }
    }
    let list = format!("/v1/subjects/{}/records", world.subject);
    let mut shop = world.client("storefront");
    for limit in ["", "0", "1", "200", "201", "-1", "1e9", "99999999999999999999", "0x10", " 1", "1,2"] {
        for cursor in ["", "x", "AAAA", &"A".repeat(4_000)] {
            for collection in ["", "contact", "nothing", "contact&collection=shipping"] {
                let path = format!("{list}?limit={limit}&cursor={cursor}&collection={collection}")
                    .replace(' ', "%20");
                let status = shop.get(&path).status();
                assert!(status < 500, "{path}: {status}");
                count += 1;
            }
        }
    }
    is_sound(&world.vault);
    figure(&format!("row 8: {count} combinations, seed {seed:#x}"));
}
