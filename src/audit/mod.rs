//! The audit log: canonical encoding, hash chain, offline verifier. Pure.
