//! `strongroom bench` needs a development vault: the one named, or one made in a directory of its own and removed again.

use crate::app::{admin, dev, init};
use crate::cli::{self, Failed, Place, bench::BenchArgs};
use crate::domain::crockford;
use crate::domain::entropy::{Entropy, OsEntropy};
use crate::policy::SAMPLE;
use std::io::Write;
use std::path::PathBuf;

/// A directory that goes when its owner goes.
struct Throwaway(PathBuf);

impl Drop for Throwaway {
    fn drop(&mut self) {
        if std::fs::remove_dir_all(&self.0).is_err() {
            tracing::warn!(event = "bench_left", "the benchmark's directory could not be removed");
        }
    }
}

/// Runs `bench`.
pub(in crate::app) async fn run(args: &BenchArgs, out: &mut dyn Write) -> Result<(), Failed> {
    let place = |data_dir| Place { data_dir, root_key_file: None, root_passphrase_file: None };
    if let Some(data_dir) = &args.data_dir {
        let known = place(data_dir.clone());
        return admin::at(&known, async |link| cli::bench::run(link, args, out).await).await;
    }
    let random = OsEntropy.array().map_err(|e| Failed::new(e.to_string()))?;
    let made = Throwaway(std::env::temp_dir().join(crockford::encode("strongroom-bench-", &random)));
    let vault = init::found(&place(made.0.clone()), SAMPLE, true, &dev::tuning()).await?;
    let activated = vault.set_client(super::owner(), "storefront", false).await;
    activated.map_err(|e| Failed::new(e.to_string()))?;
    admin::beside(vault, &made.0, async |link| cli::bench::run(link, args, out).await).await
}
