//! The attacked process as the kernel sees it: memory, descriptors, time of the processor.

use std::path::Path;

/// A process of the binary under attack.
#[derive(Clone, Copy)]
pub(super) struct Process(u32);

impl Process {
    /// The one that was started on something in this directory.
    #[track_caller]
    pub(super) fn of(dir: &Path) -> Self {
        let mark = dir.to_str().unwrap();
        let ids = std::fs::read_dir("/proc").unwrap().flatten();
        let mut ids = ids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let found = ids.find(|id| {
            let line = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains(mark)
        });
        Self(found.unwrap())
    }

    fn status(self, name: &str) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.0)).unwrap();
        let line = text.lines().find_map(|l| l.strip_prefix(name)).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }
    /// Resident memory in MiB.
    pub(super) fn resident(self) -> u64 {
        self.status("VmRSS:") / 1_024
    }
    /// The most it ever was, in MiB.
    pub(super) fn peak(self) -> u64 {
        self.status("VmHWM:") / 1_024
    }
    /// Forgets the most it ever was, where the kernel allows it.
    pub(super) fn forget_peak(self) {
        let _ = std::fs::write(format!("/proc/{}/clear_refs", self.0), "5");
    }
    /// Open descriptors.
    pub(super) fn descriptors(self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.0)).unwrap().count()
    }
    /// Whether it runs.
    pub(super) fn lives(self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0)).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
    }
    /// Milliseconds of the processor it has used.
    pub(super) fn processor(self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0)).unwrap();
        let rest = stat.rsplit_once(") ").unwrap().1;
        let times: Vec<u64> = rest.split(' ').skip(11).take(2).map(|n| n.parse().unwrap()).collect();
        times.iter().sum::<u64>() * 1_000 / rustix::param::clock_ticks_per_second()
    }
}
