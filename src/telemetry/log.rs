//! JSON lines on standard error. Fields outside the list of [`super::events`] are dropped before they are formatted; every text is escaped to
//! printable ASCII, so one event is one line (A38).

use std::fmt::{Debug, Write as _};
use std::sync::atomic::{AtomicU8, Ordering};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::{Layer, Registry};

static LEVEL: AtomicU8 = AtomicU8::new(2);

/// Starts logging at `error`, `warn`, `info` or `debug`; anything else is `warn`. A second call changes the level only.
pub fn init(level: &str) {
    let number = match level {
        "error" => 1,
        "info" => 3,
        "debug" => 4,
        _ => 2,
    };
    LEVEL.store(number, Ordering::Relaxed);
    ensure();
}

/// Starts logging at the level last asked for, `warn` if none was; does nothing when it has started.
pub(in crate::telemetry) fn ensure() {
    // Set once per process; a test binary may have done so already.
    let _first = tracing::subscriber::set_global_default(Registry::default().with(Lines)).is_ok();
}

struct Lines;

fn number_of(level: Level) -> u8 {
    match level {
        Level::ERROR => 1,
        Level::WARN => 2,
        Level::INFO => 3,
        Level::DEBUG => 4,
        Level::TRACE => 5,
    }
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let meta = event.metadata();
        // Other crates' events may hold anything; only our own sentences are written.
        if !meta.target().starts_with("strongroom")
            || number_of(*meta.level()) > LEVEL.load(Ordering::Relaxed)
        {
            return;
        }
        let mut line = Line(format!("{{\"level\":\"{}\"", meta.level().as_str().to_ascii_lowercase()));
        event.record(&mut line);
        line.0.push_str("}\n");
        super::sink::write(line.0);
    }
    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::DEBUG)
    }
}

struct Line(String);

impl Line {
    fn put(&mut self, field: &Field, text: &str) {
        if !super::events::is_field(field.name()) {
            return;
        }
        // Writing to a string cannot fail.
        let _ = write!(self.0, ",\"{}\":\"", field.name());
        escape(text, &mut self.0);
        self.0.push('"');
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, &value.to_string());
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, &value.to_string());
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, if value { "true" } else { "false" });
    }
    /// Only the message comes as `Debug`: a sentence of ours. Everything else that does is dropped unformatted.
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.put(field, &format!("{value:?}"));
        }
    }
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars().take(1_024) {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            ' '..='~' => out.push(c),
            _ => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    /// The same visitor, collecting instead of writing.
    #[derive(Clone, Default)]
    struct Collect(Arc<Mutex<Vec<String>>>);
    impl<S: Subscriber> Layer<S> for Collect {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            let mut line = Line(String::new());
            event.record(&mut line);
            self.0.lock().unwrap().push(line.0);
        }
    }

    #[test]
    fn i6_a_field_that_is_not_on_the_list_is_dropped_whatever_it_holds() {
        let seen = Collect::default();
        tracing::subscriber::with_default(Registry::default().with(seen.clone()), || {
            tracing::info!(event = "ok", email = "CNRY-1", token = ?"CNRY-2", count = 3, "a sentence");
        });
        let lines = seen.0.lock().unwrap().join("\n");
        assert!(lines.contains("\"count\":\"3\"") && lines.contains("a sentence"));
        assert!(!lines.contains("CNRY"), "{lines}");
    }

    #[test]
    fn a38_a_hostile_text_stays_on_one_line_of_ascii() {
        let mut out = String::new();
        escape("a\r\nb\u{1b}[31m\u{202e}\"\\é😀", &mut out);
        assert_eq!(out, "a\\u000d\\u000ab\\u001b[31m\\u202e\\\"\\\\\\u00e9\\ud83d\\ude00");
        assert!(out.is_ascii() && !out.contains('\n'));
    }

    #[test]
    fn debug_values_are_not_even_formatted() {
        struct Bomb;
        impl Debug for Bomb {
            fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                panic!("formatted");
            }
        }
        tracing::subscriber::with_default(Registry::default().with(Collect::default()), || {
            tracing::info!(event = ?Bomb, "a sentence");
        });
    }
}
