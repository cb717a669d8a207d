//! Faults that need the inside of the adapter.
