//! The `strongroom` command: its words, and what they do to an open vault. Opening and serving is the composition root's.

pub mod audit;
pub mod bench;
pub mod client;
pub mod doctor;
pub mod export;
pub mod import;
pub mod notice;
pub mod policy;
pub mod policy_diff;
mod private;
pub mod remote;

use clap::{Args, Parser, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;

/// A vault for personal data: sealed records, opaque tokens, policy-enforced, durably audited reads.
#[derive(Parser, Debug)]
#[command(name = "strongroom", version, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Create a vault: keyring, store, sealed policy.
    Init(InitArgs),
    /// Serve a vault over TLS.
    Serve {
        /// The configuration file (see config/strongroom.toml).
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Create and serve a development vault on loopback, with the sample policy and demo clients.
    Dev(DevArgs),
    /// Activate clients, make and withdraw their keys.
    #[command(subcommand)]
    Client(ClientCommand),
    /// Import people and records from a CSV or NDJSON file, as the clients a mapping names.
    Import(import::ImportArgs),
    /// Export what a vault can hand out again.
    #[command(subcommand)]
    Export(export::ExportCommand),
    /// Measure a development vault: store, detokenize, search.
    Bench(bench::BenchArgs),
    /// Check, explain and compare privacy policies.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Verify, show and query the audit log.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Report every hardening measure in or out of force.
    ///
    /// Reads only; works on a vault at rest and beside one that is served. Ends with 0 when all is well, 2 when something is
    /// weaker than it could be, 1 when something is broken.
    Doctor(DoctorArgs),
    /// Check a settings file.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print a reference page as Markdown: settings, log lines, metrics and alerts.
    Reference {
        /// Which.
        page: ReferencePage,
    },
    /// Print the OpenAPI document, or the error reference.
    Openapi {
        /// Print docs/errors.md instead.
        #[arg(long)]
        errors: bool,
    },
    /// Print shell completions.
    Completions {
        /// For this shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page.
    Man,
}

/// `strongroom doctor`; exit code 0: all is well, 1: something is broken, 2: something is weaker than it could be.
#[derive(Args, Debug)]
pub struct DoctorArgs {
    /// The data directory.
    #[arg(long, value_name = "DIR", required_unless_present = "config", conflicts_with = "config")]
    pub data_dir: Option<PathBuf>,
    /// The settings file of `serve`; its listeners, limits and files are looked at too.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["root_key_file", "root_passphrase_file"])]
    pub config: Option<PathBuf>,
    /// The root key file (default: DIR/root.key).
    #[arg(long, value_name = "FILE", conflicts_with = "root_passphrase_file")]
    pub root_key_file: Option<PathBuf>,
    /// A file that holds the root passphrase.
    #[arg(long, value_name = "FILE")]
    pub root_passphrase_file: Option<PathBuf>,
    /// A policy file to compare with the one that governs.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Print the report as JSON.
    #[arg(long)]
    pub json: bool,
}

/// `strongroom config …`
#[derive(Subcommand, Debug)]
pub enum ConfigCommand {
    /// Check a settings file; every fault with its line and what to write instead.
    Check {
        /// The file.
        file: PathBuf,
    },
    /// Print every setting with its default and meaning.
    Reference,
}

/// The pages of `strongroom reference`.
#[derive(clap::ValueEnum, Clone, Copy, Debug)]
pub enum ReferencePage {
    /// docs/configuration.md
    Configuration,
    /// docs/logs.md
    Logs,
    /// docs/metrics.md
    Metrics,
}

/// Where a vault is and how its root key opens.
#[derive(Args, Debug, Clone)]
pub struct Place {
    /// The data directory.
    #[arg(long, value_name = "DIR")]
    pub data_dir: PathBuf,
    /// The root key file (default: DIR/root.key).
    #[arg(long, value_name = "FILE", conflicts_with = "root_passphrase_file")]
    pub root_key_file: Option<PathBuf>,
    /// A file that holds the root passphrase.
    #[arg(long, value_name = "FILE")]
    pub root_passphrase_file: Option<PathBuf>,
}

/// Where a vault is: on this machine, or at an address with client keys.
#[derive(Args, Debug, Clone)]
pub struct Reach {
    /// The data directory; served by another process or not.
    #[arg(long, value_name = "DIR", required_unless_present = "url", conflicts_with = "url")]
    pub data_dir: Option<PathBuf>,
    /// The root key file (default: DIR/root.key), when nobody serves the vault.
    #[arg(long, value_name = "FILE", conflicts_with = "root_passphrase_file")]
    pub root_key_file: Option<PathBuf>,
    /// A file that holds the root passphrase, when nobody serves the vault.
    #[arg(long, value_name = "FILE")]
    pub root_passphrase_file: Option<PathBuf>,
    /// The vault's address, `https://HOST:PORT`.
    #[arg(long, value_name = "URL", requires = "cacert")]
    pub url: Option<String>,
    /// The CA certificate that signed the vault's (PEM); no other is trusted.
    #[arg(long, value_name = "FILE")]
    pub cacert: Option<PathBuf>,
    /// A client's key, in a file of mode 0600; once for each client.
    #[arg(long = "key", value_name = "CLIENT=FILE")]
    pub keys: Vec<String>,
}

/// `strongroom init`
#[derive(Args, Debug)]
pub struct InitArgs {
    /// Where the vault will be.
    #[command(flatten)]
    pub place: Place,
    /// The privacy policy to seal as its first version.
    #[arg(long, value_name = "FILE")]
    pub policy: PathBuf,
    /// Switch the two-person rule off, visibly and for good.
    #[arg(long)]
    pub single_operator: bool,
}

/// `strongroom dev`
#[derive(Args, Debug)]
pub struct DevArgs {
    /// Where the vault is, or will be.
    #[arg(long, value_name = "DIR")]
    pub data_dir: PathBuf,
    /// A loopback address; port 0 picks one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8443")]
    pub listen: SocketAddr,
    /// Where to write base URL, CA and keys (0600, JSON).
    #[arg(long, value_name = "FILE")]
    pub credentials_out: PathBuf,
    /// Customers to store when the vault is new (NDJSON).
    #[arg(long, value_name = "FILE")]
    pub customers: Option<PathBuf>,
    /// Print requests ready to paste.
    #[arg(long)]
    pub print_requests: bool,
    /// What is logged; from info on each request is a line.
    #[arg(long, value_name = "LEVEL", default_value = "warn", value_parser = ["error", "warn", "info", "debug"])]
    pub log_level: String,
    /// Where a span of every request is sent (OTLP/HTTP on loopback, or https).
    #[arg(long, value_name = "URL", value_parser = endpoint)]
    pub traces: Option<crate::domain::endpoint::Endpoint>,
}

fn endpoint(text: &str) -> Result<crate::domain::endpoint::Endpoint, &'static str> {
    crate::domain::endpoint::Endpoint::parse(text)
        .ok_or("write http:// with a loopback address, such as http://127.0.0.1:4318/v1/traces")
}

/// `strongroom client …`
#[derive(Subcommand, Debug)]
pub enum ClientCommand {
    /// List declared clients, their state and key ids.
    List {
        /// Where the vault is.
        #[command(flatten)]
        place: Place,
    },
    /// Activate a client the policy declares.
    #[command(visible_alias = "add")]
    Activate(ClientArgs),
    /// Make a key; it is printed once.
    Key {
        /// Which client.
        #[command(flatten)]
        client: ClientArgs,
        /// Its life, at most 90d.
        #[arg(long, default_value = "90d")]
        expires_in: String,
    },
    /// Withdraw a key at once.
    RevokeKey {
        /// Which client.
        #[command(flatten)]
        client: ClientArgs,
        /// `key_…`
        key: String,
    },
    /// Suspend a client: its keys answer 403.
    Suspend(ClientArgs),
    /// Resume a suspended client.
    Resume(ClientArgs),
}

/// One client.
#[derive(Args, Debug)]
pub struct ClientArgs {
    /// Where the vault is.
    #[command(flatten)]
    pub place: Place,
    /// Its name in the policy.
    pub name: String,
}

/// `strongroom policy …`
#[derive(Subcommand, Debug)]
pub enum PolicyCommand {
    /// Check a policy file; every fault with its line and what to write instead.
    Check {
        /// The file.
        file: PathBuf,
    },
    /// Print the public privacy notice that a policy makes, as Markdown.
    Notice {
        /// The file.
        file: PathBuf,
        /// The page that the public listener serves.
        #[arg(long)]
        html: bool,
    },
    /// Say which rule decides on a read.
    Explain {
        /// The file.
        file: PathBuf,
        /// The client that asks.
        #[arg(long)]
        client: String,
        /// For which purpose.
        #[arg(long)]
        purpose: String,
        /// Which field, as collection.field.
        #[arg(long)]
        field: String,
        /// For which recipient.
        #[arg(long)]
        recipient: Option<String>,
        /// Ask for the masked form.
        #[arg(long)]
        masked: bool,
    },
    /// Say who gains and who loses what when one policy takes the place of another.
    Diff {
        /// The policy as it is; left out with --data-dir, whose governing one is meant then.
        #[arg(value_name = "OLD", required_unless_present = "data_dir")]
        old: Option<PathBuf>,
        /// The policy as it would be.
        #[arg(value_name = "NEW")]
        new: Option<PathBuf>,
        /// Compare with the policy that governs this vault.
        #[arg(long, value_name = "DIR")]
        data_dir: Option<PathBuf>,
        /// The root key file (default: DIR/root.key), when nobody serves the vault.
        #[arg(long, value_name = "FILE", conflicts_with = "root_passphrase_file")]
        root_key_file: Option<PathBuf>,
        /// A file that holds the root passphrase, when nobody serves the vault.
        #[arg(long, value_name = "FILE")]
        root_passphrase_file: Option<PathBuf>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// `strongroom audit …`
#[derive(Subcommand, Debug)]
pub enum AuditCommand {
    /// Verify the hash chain of a data directory, or of a copy of one; needs no key.
    Verify {
        /// The data directory, or a copy.
        #[arg(long, value_name = "DIR")]
        data_dir: PathBuf,
        /// A checkpoint kept from a reply (`Strongroom-Checkpoint`): proves that nothing was cut or rolled back.
        #[arg(long)]
        checkpoint: Option<String>,
    },
    /// Print the last events as JSON lines.
    Tail {
        /// Where the vault is.
        #[command(flatten)]
        place: Place,
        /// How many.
        #[arg(long, short = 'n', default_value_t = 20)]
        count: usize,
    },
    /// Print matching events as JSON lines, newest first.
    Query {
        /// Where the vault is.
        #[command(flatten)]
        place: Place,
        /// What to look for.
        #[command(flatten)]
        filter: AuditFilter,
    },
}

/// What to look for in the log.
#[derive(Args, Debug)]
pub struct AuditFilter {
    /// A client's name, `vault`, or `local:<uid>`.
    #[arg(long)]
    pub principal: Option<String>,
    /// `sub_…`
    #[arg(long)]
    pub subject: Option<String>,
    /// `rec_…`
    #[arg(long)]
    pub record: Option<String>,
    /// A purpose.
    #[arg(long)]
    pub purpose: Option<String>,
    /// An act, such as detokenize.
    #[arg(long)]
    pub act: Option<String>,
    /// An outcome, such as denied.
    #[arg(long)]
    pub outcome: Option<String>,
    /// Committed at or after (RFC 3339).
    #[arg(long)]
    pub since: Option<String>,
    /// Committed before (RFC 3339).
    #[arg(long)]
    pub until: Option<String>,
    /// Most events.
    #[arg(long, default_value_t = 100)]
    pub limit: usize,
}

/// A command failed; the text says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Failed(pub String);

/// What a command ends with when its reader has gone away (`… | head`): no failure of its own.
pub const READER_GONE: &str = "the reader of the output has gone away";

/// How the report of `doctor` ends when nothing is broken, but something is weak.
pub const WEAK: &str = "weaker than they could be; see warn above";
/// What an import ends with that rejected some lines: the summary has said so; its exit code is 3.
pub const SOME_REJECTED: &str = "some lines were rejected";
/// What an import ends with that a signal stopped.
pub const INTERRUPTED: &str = "interrupted; nothing is lost: the same command with --resume goes on";

impl Failed {
    /// The exit code: 0 when the reader has gone, 2 for weak measures, 3 for rejected lines, 130 when a signal stopped it, else 1.
    pub fn exit_code(&self) -> u8 {
        match self.0.as_str() {
            READER_GONE => 0,
            INTERRUPTED => 130,
            text if text.starts_with(SOME_REJECTED) => 3,
            text if text.ends_with(WEAK) => 2,
            _ => 1,
        }
    }
    /// A failure with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self(READER_GONE.to_owned());
        }
        Self(format!("cannot write the output: {}", error.kind()))
    }
}
