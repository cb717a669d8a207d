//! Rate limits by typed key with `governor`; capped key stores with housekeeping.
