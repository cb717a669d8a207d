//! The audit log. Bytes are read as an event only in their one spelling; an event shows as one line of printable JSON; a log
//! with anything altered does not verify against the checkpoint that was kept of it; a log of made-up events, well chained, is
//! accepted only when every event of it is one.

use super::support::Taken;
use crate::audit::{Checkpoint, GENESIS, NoNames, Row, chain, check, decode, encode, to_json, verify};
use crate::domain::disclosure::LogHead;
use crate::domain::event::{Act, EventBody, EventItem, Principal};
use crate::domain::{FieldNo, Id16, Ref8, Timestamp};
use std::convert::Infallible;
use std::sync::LazyLock;

fn reveal() -> EventBody {
    let mut body =
        EventBody::new(Id16([7; 16]), Timestamp(5), Principal::Client("shop".into()), Act::Detokenize);
    body.items = vec![EventItem { record: Ref8([2; 8]), field: FieldNo(7), outcome: 0 }];
    body.subjects = vec![Ref8([1; 8])];
    body.purpose = Some("fulfilment".into());
    body
}

/// Two boots, the vault's creation, three reveals.
static GENUINE: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let of = |act| EventBody::new(Id16([1; 16]), Timestamp(1), Principal::Vault, act);
    let bodies = [of(Act::Boot), of(Act::Init), reveal(), of(Act::Boot), reveal(), reveal()];
    let mut rows: Vec<Row> = bodies
        .iter()
        .zip(1..)
        .map(|(body, pos)| Row {
            pos,
            node: 0,
            boot: 1 + (pos - 1) / 3,
            seq: (pos - 1) % 3,
            at: Timestamp(1_000),
            body: encode(body),
            hash: [0; 32],
        })
        .collect();
    chained(&mut rows);
    rows
});

fn chained(rows: &mut [Row]) {
    let mut previous = GENESIS;
    for row in rows {
        row.hash = chain(&previous, &row.link(), &row.body);
        previous = row.hash;
    }
}

fn kept(rows: &[Row]) -> Checkpoint {
    let hash = rows.last().map_or([0; 32], |row| row.hash);
    LogHead::from_hash(rows.len() as u64, &hash).into()
}

fn verifies(rows: &[Row], at: Option<Checkpoint>) -> bool {
    match verify(rows.iter().cloned().map(Ok::<_, Infallible>), at) {
        Ok(summary) => {
            assert_eq!(summary.events, rows.len() as u64);
            true
        }
        Err(broken) => {
            assert!(broken.position >= 1 && broken.position <= rows.len() as u64 + 1, "{broken}");
            false
        }
    }
}

fn event(bytes: &[u8]) {
    let Ok(body) = decode(bytes) else { return };
    assert_eq!(encode(&body), bytes, "an event with two spellings");
    // What an item may say depends on the act: the verifier judges it, and names it better.
    let fits = check(&body).map_err(|outside| outside.field);
    assert!(matches!(fits, Ok(()) | Err("items")), "an event is read that would not be written: {fits:?}");
    let line = to_json(&body, &GENUINE.first().map(Row::link).unwrap_or_else(|| unreachable!()), &NoNames);
    assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "not one printable line");
    let shown: Result<serde_json::Value, _> = serde_json::from_str(&line);
    let purpose = shown.ok().map(|shown| shown.get("purpose").and_then(|p| p.as_str()).map(str::to_owned));
    assert_eq!(purpose, Some(body.purpose), "{line}");
}

fn altered(taken: &mut Taken<'_>) {
    let mut rows = GENUINE.clone();
    let checkpoint = kept(&rows);
    let rechain = taken.byte() & 1 == 1;
    while !taken.0.is_empty() && !rows.is_empty() {
        let (how, which, at, with) =
            (taken.byte() % 11, usize::from(taken.byte()), taken.byte(), taken.byte());
        let (which, other) = (which % rows.len(), usize::from(at) % rows.len());
        let (bit, number) = (u64::from(with) << (at % 64), usize::from(at));
        match how {
            0 => drop(rows.remove(which)),
            1 => rows.swap(which, other),
            2 if rows.len() < 20 => rows.push(rows.get(which).cloned().unwrap_or_else(|| unreachable!())),
            _ => {
                let Some(row) = rows.get_mut(which) else { return };
                match how {
                    3 => row.pos ^= bit,
                    4 => row.node ^= u32::from(with),
                    5 => row.boot ^= bit,
                    6 => row.seq ^= bit,
                    7 => row.at.0 ^= i64::from(with) << (at % 56),
                    8 => row.body.truncate(number),
                    9 => row.hash.iter_mut().skip(number % 32).take(1).for_each(|byte| *byte ^= with),
                    _ => row.body.iter_mut().skip(number).take(1).for_each(|byte| *byte ^= with),
                }
            }
        }
    }
    if rechain {
        chained(&mut rows);
    }
    assert_eq!(verifies(&rows, Some(checkpoint)), rows == *GENUINE, "an altered log verifies");
}

fn made_up(taken: &mut Taken<'_>) {
    let mut rows = GENUINE.iter().take(2).cloned().collect::<Vec<_>>();
    while !taken.0.is_empty() && rows.len() < 30 {
        let (flags, length) = (taken.byte(), usize::from(taken.byte()));
        let (body, rest) = taken.0.split_at(length.min(taken.0.len()));
        *taken = Taken(rest);
        let last = rows.last().unwrap_or_else(|| unreachable!());
        let (boot, seq) = if flags & 1 == 0 { (last.boot, last.seq + 1) } else { (last.boot + 1, 0) };
        let (pos, at) = (last.pos + 1, Timestamp(last.at.0 + i64::from(flags >> 1)));
        rows.push(Row { pos, node: 0, boot, seq, at, body: body.to_vec(), hash: [0; 32] });
    }
    chained(&mut rows);
    let checkpoint = kept(&rows);
    let good = verifies(&rows, Some(checkpoint));
    assert_eq!(good, verifies(&rows, None), "its own checkpoint does not prove a log");
    assert!(
        !good || rows.iter().all(|row| decode(&row.body).is_ok()),
        "a log of what are no events verifies"
    );
}

pub(super) fn run(data: &[u8]) {
    let Some((how, rest)) = data.split_first() else { return };
    match how % 4 {
        0 => event(rest),
        1 => altered(&mut Taken(rest)),
        2 => made_up(&mut Taken(rest)),
        _ => {
            let Ok(text) = std::str::from_utf8(rest) else { return };
            if let Ok(checkpoint) = text.parse::<Checkpoint>() {
                assert_eq!(checkpoint.to_string(), text, "a checkpoint with two spellings");
            }
        }
    }
}
