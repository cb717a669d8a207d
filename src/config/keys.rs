//! The table of all settings: key, kind, default, meaning. The one place besides the struct where a setting is named: the
//! checks, the corrections of misspelt keys and `docs/configuration.md` are made from it. A test holds it to the structs
//! of `sections.rs`, and every default to the default that the code has.

use super::kind::Kind::{self, *};
use Standard::{Absent, Needed, Of};

/// What holds when a key is not written.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Standard {
    /// It has to be written.
    Needed,
    /// Nothing; in words.
    Absent(&'static str),
    /// This value, as TOML.
    Of(&'static str),
}

/// One setting.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Key {
    /// `section.key`; `[]` marks a list of sections.
    pub path: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// What holds without it.
    pub standard: Standard,
    /// What it means, with its unit.
    pub meaning: &'static str,
}

const fn key(path: &'static str, kind: Kind, standard: Standard, meaning: &'static str) -> Key {
    Key { path, kind, standard, meaning }
}

/// What each section is for, in the order of the reference. The first is the top of the file.
pub const SECTIONS: &[(&str, &str)] = &[
    ("", "The top of the file."),
    ("listen", "Where the API answers."),
    ("tls", "Certificate and key of the API. Always needed: a vault is served over TLS only."),
    ("public", "Unsubscribe links and the privacy notice, for everybody; off until an address is written."),
    ("proxy", "The proxies in front of the vault, and what of theirs is believed; see docs/mutual-tls.md."),
    ("root", "What opens the keyring. Keep it away from the data directory."),
    ("metrics", "The listener of `/metrics` and `/alerts`: plain HTTP, so loopback only."),
    ("log", "JSON lines on standard error; see `docs/logs.md`."),
    ("alerts", "From when on the process warns of itself; see `docs/metrics.md`."),
    ("telemetry.traces", "OpenTelemetry traces over OTLP/HTTP (JSON). Off unless `endpoint` is written."),
    ("http", "Time and room a connection gets."),
    ("limits", "What holds for everybody; a client's own limits are in the policy. Counted in memory."),
    ("passwords", "How stored passwords are hashed (argon2id)."),
    ("networks[]", "What the audit log calls a network; nothing is looked up. May be written many times."),
];

/// Every setting of `strongroom serve`.
pub const KEYS: &[Key] = &[
    key("data_dir", Path, Needed, "The directory of the vault: `vault.db`, `keyring`, `index.db`."),
    key("listen.address", Address, Of("\"127.0.0.1:8443\""), "Address and port of the API."),
    key("listen.workers", Whole(1, 1_024), Absent("one a core"), "Threads that answer requests."),
    key(
        "listen.hosts",
        Texts,
        Of("[]"),
        "Host names answered to, without port; empty: any. Others get 400, probes too.",
    ),
    key(
        "tls.certificate",
        Path,
        Absent("has to be written"),
        "Certificate chain, PEM, the vault's own certificate first.",
    ),
    key("tls.key", Path, Absent("has to be written"), "Its private key, PEM, not encrypted, mode 0600."),
    key("tls.client_ca", Path, Absent("none is asked for"), "Authorities of client certificates, PEM."),
    key(
        "tls.client_crl",
        Path,
        Absent("none is revoked"),
        "Their revocation lists, PEM; one that has ended refuses all.",
    ),
    key("public.address", Address, Absent("no listener"), "Where the public pages answer."),
    key(
        "public.url",
        Text(200),
        Absent("no links are made"),
        "Where people reach them, such as https://mail.example.org; unsubscribe links are made with it.",
    ),
    key("public.certificate", Path, Absent("that of tls"), "A certificate chain of their own, PEM."),
    key("public.key", Path, Absent("that of tls"), "Its private key, PEM, mode 0600."),
    key(
        "public.plain",
        Switch,
        Of("false"),
        "No TLS, for a proxy on this machine that ends it; loopback only.",
    ),
    key(
        "proxy.networks",
        Texts,
        Of("[]"),
        "Networks of the proxies in front of the vault; nobody else is believed.",
    ),
    key(
        "proxy.header",
        Choice(&["x-forwarded-for", "forwarded"]),
        Absent("none is believed"),
        "The header they name the client in, read from right to left.",
    ),
    key(
        "proxy.protocol",
        Choice(&["off", "v1", "v2"]),
        Of("\"off\""),
        "The PROXY protocol they speak before TLS, then required of them.",
    ),
    key("proxy.max_connections_per_proxy", Whole(1, 1 << 20), Of("4096"), "Connections of one proxy."),
    key(
        "root.provider",
        Choice(&["key_file", "passphrase"]),
        Of("\"key_file\""),
        "`key_file`: a file made by `strongroom init`. `passphrase`: a file that holds it.",
    ),
    key(
        "root.path",
        Path,
        Absent("`root.key` in `data_dir`"),
        "The key's or passphrase's file; needed with `passphrase`.",
    ),
    key("metrics.address", Address, Of("\"127.0.0.1:9464\""), "Address and port, loopback only."),
    key(
        "log.level",
        Choice(&["error", "warn", "info", "debug"]),
        Of("\"info\""),
        "The least grave level that is written.",
    ),
    key(
        "log.requests",
        Switch,
        Of("false"),
        "Whether each request is a line (`request`): route template, status, microseconds, request id, client.",
    ),
    key(
        "alerts.min_free_mb",
        Whole(1, 1 << 20),
        Of("512"),
        "MiB of free space below which `low_disk` is raised.",
    ),
    key(
        "alerts.max_wal_mb",
        Whole(8, 1 << 20),
        Of("128"),
        "MiB of write-ahead log above which `wal_growth` is raised.",
    ),
    key(
        "alerts.key_days",
        Whole(1, 90),
        Of("14"),
        "Days before the end of a client's last key from which `key_expiry` is raised.",
    ),
    key(
        "alerts.policy",
        Path,
        Absent("not compared"),
        "A policy file; `policy_differs` is raised while it is not the sealed policy. It is never applied.",
    ),
    key(
        "telemetry.traces.endpoint",
        Url,
        Absent("off"),
        "Where spans are sent, such as `http://127.0.0.1:4318/v1/traces`.",
    ),
    key(
        "telemetry.traces.ca",
        Path,
        Absent("–"),
        "Certificates, PEM, that an https endpoint is trusted by; needed with https.",
    ),
    key(
        "telemetry.traces.sample",
        Share,
        Of("0.01"),
        "Share of requests that get a span, chosen by trace id.",
    ),
    key(
        "telemetry.traces.follow_parent",
        Switch,
        Of("true"),
        "Whether the `sampled` flag of an authenticated caller's `traceparent` is followed besides.",
    ),
    key(
        "telemetry.traces.queue",
        Whole(16, 65_536),
        Of("2048"),
        "Spans that may wait; more are dropped and counted.",
    ),
    key(
        "telemetry.traces.timeout_s",
        Whole(1, 60),
        Of("5"),
        "Seconds one delivery may take; then its spans are dropped and counted.",
    ),
    key("http.body_timeout_s", Whole(1, 600), Of("10"), "Seconds for a whole body."),
    key(
        "http.min_body_rate",
        Whole(1, 1 << 20),
        Of("500"),
        "Bytes a second a body must bring after two seconds.",
    ),
    key("http.header_timeout_s", Whole(1, 60), Of("5"), "Seconds for a request head."),
    key("http.max_connections", Whole(1, 1 << 20), Of("4096"), "Connections a worker keeps."),
    key("http.keep_alive_s", Whole(1, 3_600), Of("75"), "Seconds an idle connection is kept."),
    key(
        "http.max_connections_per_peer",
        Whole(1, 1 << 20),
        Of("512"),
        "Connections of one IPv4 address, or of one IPv6 /64.",
    ),
    key("http.max_connection_age_s", Whole(1, 86_400), Of("3600"), "Seconds a connection is kept at most."),
    key(
        "http.drain_timeout_s",
        Whole(1, 600),
        Of("20"),
        "When stopped, seconds for requests under way; a second signal ends it at once.",
    ),
    key(
        "limits.network_requests_per_second",
        Whole(1, MOST),
        Of("5000"),
        "Requests a second from one network (/24, /64).",
    ),
    key("limits.network_burst", Whole(1, MOST), Of("10000"), "How many of them may come at once."),
    key(
        "limits.failed_auth_per_ten_minutes",
        Whole(1, MOST),
        Of("30"),
        "Failed authentications in ten minutes from one network.",
    ),
    key(
        "limits.client_bytes_per_second",
        Whole(1, MOST),
        Of("16777216"),
        "Body bytes a second from one client; four seconds' worth may come at once.",
    ),
    key(
        "limits.subject_reads_per_hour",
        Whole(1, MOST),
        Of("600"),
        "Cost an hour of reads of one subject by all clients together.",
    ),
    key(
        "limits.verify_per_subject_per_minute",
        Whole(1, MOST),
        Of("10"),
        "Checks a minute of one credential.",
    ),
    key("limits.verify_per_subject_per_hour", Whole(1, MOST), Of("60"), "Checks an hour of one credential."),
    key(
        "limits.verify_per_source_per_minute",
        Whole(1, MOST),
        Of("120"),
        "Checks of credentials a minute from one source.",
    ),
    key(
        "limits.verify_per_network_per_minute",
        Whole(1, MOST),
        Of("3000"),
        "Checks of credentials a minute from one network of clients.",
    ),
    key(
        "limits.public_per_network_per_minute",
        Whole(1, MOST),
        Of("600"),
        "Requests a minute to the public pages from one network.",
    ),
    key("limits.max_keys", Whole(1_000, 10_000_000), Of("100000"), "Most keys one limiter remembers."),
    key(
        "passwords.memory_kib",
        Whole(19_456, 262_144),
        Of("19456"),
        "KiB of memory of one hash; the least is the floor.",
    ),
    key("passwords.iterations", Whole(2, 10), Of("2"), "Passes; the least is the floor."),
    key("passwords.threads", Whole(1, 256), Of("2"), "Hashing threads."),
    key("passwords.queue", Whole(1, 65_536), Of("64"), "Checks that may wait; more get `503 overloaded`."),
    key("networks[].cidr", Network, Needed, "The network, such as `10.1.0.0/16`."),
    key("networks[].label", Text(64), Needed, "What the log calls it."),
    key("networks[].asn", Whole(0, MOST), Absent("–"), "Autonomous system number."),
    key("networks[].country", Country, Absent("–"), "Country, ISO 3166-1 alpha-2."),
];

/// The largest number of 32 bits.
const MOST: u64 = u32::MAX as u64;

impl Key {
    /// Section and name: `("listen", "address")`.
    pub fn split(&self) -> (&'static str, &'static str) {
        self.path.rsplit_once('.').unwrap_or(("", self.path))
    }
}
