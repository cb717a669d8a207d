//! What the runs answer is what a scan of all entries answers, at every size and after every merge.

use super::*;
use proptest::prelude::*;

/// Blocks of four positions, two runs to the next: every level comes about within a few dozen positions.
const SMALL: Shape = Shape { block: 2, fan: 1 };

fn index() -> Connection {
    let conn = Connection::open_in_memory().unwrap();
    conn.execute_batch(TABLE).unwrap();
    conn
}

/// Writes the entries of that many blocks, block by block.
fn fill(conn: &Connection, shape: Shape, blocks: u64, all: &[Entry]) {
    for block in 0..blocks {
        let mut here: Vec<Entry> = all.iter().filter(|e| shape.block_of(e.pos) == block).copied().collect();
        here.sort_unstable();
        here.dedup();
        add(conn, shape, block, &here).unwrap();
    }
}

fn ask(conn: &Connection, shape: Shape, blocks: u64, wanted: (u8, u64, u64), limit: usize) -> Vec<u64> {
    let mut out = Vec::new();
    for (level, run) in shape.runs(blocks) {
        if out.len() < limit {
            find(conn, (shape, level, run), wanted, limit, &mut out).unwrap();
        }
    }
    out
}

fn scan(all: &[Entry], (kind, key, below): (u8, u64, u64), limit: usize) -> Vec<u64> {
    let mut found: Vec<u64> =
        all.iter().filter(|e| (e.kind, e.key) == (kind, key) && e.pos < below).map(|e| e.pos).collect();
    found.sort_unstable();
    found.dedup();
    found.into_iter().rev().take(limit).collect()
}

proptest! {
    #[test]
    fn runs_answer_what_a_scan_answers(
        blocks in 1_u64..20,
        raw in proptest::collection::vec((1_u8..4, 0_usize..6, 0_u64..80), 0..200),
        below in 0_u64..90,
        limit in 1_usize..30,
    ) {
        let keys = [0, 1, 0x7fff_ffff_ffff_ffff, 0x8000_0000_0000_0000, 0x8000_0000_0000_0001, u64::MAX];
        let all: Vec<Entry> = raw
            .into_iter()
            .map(|(kind, key, pos)| Entry { kind, key: keys[key], pos })
            .filter(|e| SMALL.block_of(e.pos) < blocks)
            .collect();
        let conn = index();
        fill(&conn, SMALL, blocks, &all);
        for kind in 1..4 {
            for key in keys {
                let wanted = (kind, key, below);
                prop_assert_eq!(ask(&conn, SMALL, blocks, wanted, limit), scan(&all, wanted, limit));
            }
        }
    }

    #[test]
    fn no_bytes_make_the_reader_of_chunks_fail_otherwise(body in proptest::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(entries) = unpack(Entry { kind: 1, key: 5, pos: 9 }, 8, &body) {
            prop_assert!(entries.len() <= body.len() + 1);
        }
    }
}

#[test]
fn lists_longer_than_a_chunk_and_many_keys_survive_every_merge() {
    let shape = Shape { block: 9, fan: 1 };
    let blocks = 8_u64;
    let all: Vec<Entry> = (0..blocks * 512)
        .flat_map(|pos| {
            let scattered = (pos % 700_u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            [Entry { kind: 1, key: 77, pos }, Entry { kind: 3, key: scattered, pos }]
        })
        .collect();
    let conn = index();
    fill(&conn, shape, blocks, &all);
    let levels: i64 = conn.query_row("SELECT count(DISTINCT level) FROM chunks", [], |r| r.get(0)).unwrap();
    assert_eq!(levels, 1, "eight blocks are two runs of the top level and nothing else");
    for wanted in
        [(1, 77, u64::MAX), (1, 77, 1_000), (3, all[401].key, u64::MAX), (3, 5, u64::MAX), (2, 77, u64::MAX)]
    {
        assert_eq!(ask(&conn, shape, blocks, wanted, 10_000), scan(&all, wanted, 10_000), "{wanted:?}");
    }
    let longest: i64 = conn.query_row("SELECT max(length(body)) FROM chunks", [], |r| r.get(0)).unwrap();
    assert!(longest <= 930, "four chunks fit a page: {longest}");
}

#[test]
fn i11_a_malformed_chunk_is_an_error_not_an_answer() {
    let conn = index();
    add(&conn, SMALL, 0, &[Entry { kind: 1, key: 9, pos: 1 }, Entry { kind: 1, key: 9, pos: 2 }]).unwrap();
    conn.execute_batch("UPDATE chunks SET body = x'ff'").unwrap();
    let mut out = Vec::new();
    assert!(find(&conn, (SMALL, 0, 0), (1, 9, 10), 5, &mut out).is_err());
}
