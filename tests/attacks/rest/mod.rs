//! What lies on the disk: flipped, swapped, rolled back and substituted rows, keys, logs and files.

mod cells;
mod estate;
mod flips;
mod hunt;
mod keys;
mod log;
mod making;
mod process;
mod rollback;
mod settings;
mod store;
mod swaps;
