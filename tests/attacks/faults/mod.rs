//! What the machine does: kills, power cuts, full and failing disks, clocks, starved processes.

mod clock;
mod corrupt;
mod disk;
mod full;
mod journal;
mod kill;
mod load;
mod power;
mod restart;
mod script;
mod starved;
