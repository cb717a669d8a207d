//! What lies on the disk: flipped, swapped, rolled back and substituted rows, keys, logs and files.
