//! The table: what was to be reached, what was, and on which machine.

/// A row.
pub(crate) struct Row {
    pub(crate) path: String,
    pub(crate) must: String,
    pub(crate) heroic: String,
    pub(crate) reached: String,
    pub(crate) verdict: &'static str,
    pub(crate) notes: String,
}

/// The middle value (of an empty list: NaN, printed as such).
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Says how a figure stands to its targets; `up` when more is better.
pub(crate) fn verdict(figure: f64, must: f64, heroic: f64, up: bool) -> &'static str {
    let reached = |target: f64| if up { figure >= target } else { figure <= target };
    match (reached(must), reached(heroic)) {
        (_, true) => "heroic",
        (true, false) => "reached",
        _ => "missed",
    }
}

/// The machine: cores, processor, kernel, load.
pub(crate) fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model = cpu
        .lines()
        .find_map(|l| l.strip_prefix("model name"))
        .map_or("unknown", |l| l.trim_start_matches([' ', '\t', ':']));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = read("/proc/sys/kernel/osrelease");
    let load = read("/proc/loadavg");
    let load: Vec<&str> = load.split_whitespace().take(2).collect();
    format!("{cores} cores, {model}, Linux {}, load average {}", kernel.trim(), load.join(" "))
}

/// Prints the rows in columns.
pub(crate) fn print(rows: &[Row]) {
    let head = ["path", "must", "heroic", "reached", "", "notes"].map(str::to_owned);
    let cells = |row: &Row| {
        let verdict = row.verdict.to_owned();
        [
            row.path.clone(),
            row.must.clone(),
            row.heroic.clone(),
            row.reached.clone(),
            verdict,
            row.notes.clone(),
        ]
    };
    let all: Vec<[String; 6]> = std::iter::once(head).chain(rows.iter().map(cells)).collect();
    let widths: Vec<usize> =
        (0..6).map(|c| all.iter().map(|r| r[c].chars().count()).max().unwrap_or(0)).collect();
    for (number, row) in all.iter().enumerate() {
        let line: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        println!("{}", line.join("  ").trim_end());
        if number == 0 {
            println!("{}", "─".repeat(widths.iter().sum::<usize>() + 10));
        }
    }
}
