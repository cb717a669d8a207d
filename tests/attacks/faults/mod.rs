//! What the machine does: kills, power cuts, full and failing disks, clocks, starved processes.

mod disk;
mod journal;
mod kill;
mod load;
mod power;
mod script;
