//! The room as an attacker meets it: altered, exchanged, replayed and made-up bytes, files that are not what they should
//! be, generators that are stuck. And the bytes of every format, frozen (`tests/vectors/formats`).

mod arbitrary;
mod bad_vectors;
mod dummy;
mod figures;
mod files;
mod flips;
mod passphrase;
mod permits;
mod pointers;
mod reference;
mod rotation;
mod row_seals;
mod salamander;
mod support;
mod swaps;
mod unique;
mod vectors;
