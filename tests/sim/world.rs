//! The simulated machine: a clock moved by hand, a disk that can be cut off, a vault opened on them and stepped by hand.

use crate::sabotage::{Kept, Sabotage};
use simdisk::Loss;
use std::future::Future;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use strongroom::crypto::Keyring;
use strongroom::crypto::password::{PasswordParams, PasswordPool};
use strongroom::domain::entropy::{Entropy, EntropyFailed};
use strongroom::domain::event::Principal;
use strongroom::domain::{Clock, Timestamp, VaultId};
use strongroom::limits::{Limits, Settings};
use strongroom::storage::{Driver, Options, Step, Stepper, Store};
use strongroom::vault::{Networks, Parts, Vault, VaultFacts};

/// The policy every simulated vault is made with.
const POLICY: &str = strongroom::policy::SAMPLE;
const BEGIN: i64 = 1_795_500_000_000_000;

/// Wall and monotonic time, each moved by hand.
pub(crate) struct SimClock {
    wall: AtomicI64,
    monotonic: AtomicI64,
}

impl SimClock {
    pub(crate) fn pass(&self, us: i64) {
        self.wall.fetch_add(us, Ordering::Relaxed);
        self.monotonic.fetch_add(us, Ordering::Relaxed);
    }
    pub(crate) fn passed(&self) -> i64 {
        self.monotonic.load(Ordering::Relaxed)
    }
    /// The wall alone jumps.
    pub(crate) fn jump(&self, us: i64) {
        self.wall.fetch_add(us, Ordering::Relaxed);
    }
}

impl Clock for SimClock {
    fn wall(&self) -> Timestamp {
        Timestamp(self.wall.load(Ordering::Relaxed))
    }
    fn monotonic(&self) -> Duration {
        Duration::from_micros(self.monotonic.load(Ordering::Relaxed).unsigned_abs())
    }
}

/// The keyring's bytes: the same for every start of a seed, as the file would hold them.
struct KeyBytes(simdisk::Rng);

impl Entropy for KeyBytes {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyFailed> {
        out.iter_mut().for_each(|b| *b = self.0.next() as u8);
        Ok(())
    }
}

pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) dir: PathBuf,
    pub(crate) clock: Arc<SimClock>,
    pub(crate) vault: Option<Arc<Vault>>,
    pub(crate) stepper: Arc<Stepper>,
    pub(crate) keys: Vec<(&'static str, String)>,
    pub(crate) sabotage: Option<Sabotage>,
    kept: Kept,
}

impl World {
    pub(crate) fn new(seed: u64, root: &std::path::Path, sabotage: Option<Sabotage>) -> Self {
        simdisk::mount(root, seed);
        let clock = SimClock { wall: AtomicI64::new(BEGIN), monotonic: AtomicI64::new(1_000_000) };
        Self {
            seed,
            dir: root.to_owned(),
            clock: Arc::new(clock),
            vault: None,
            stepper: Arc::default(),
            keys: Vec::new(),
            sabotage,
            kept: Kept::default(),
        }
    }

    pub(crate) fn vault(&self) -> &Arc<Vault> {
        self.vault.as_ref().expect("the vault is open")
    }
    pub(crate) fn key(&self, client: &str) -> String {
        self.keys.iter().find(|(name, _)| *name == client).map(|(_, key)| key.clone()).unwrap_or_default()
    }

    fn keyring(&self) -> Keyring {
        let mut bytes = KeyBytes(simdisk::Rng::new(self.seed ^ 0x6b65_7973));
        let mut id = [0; 16];
        bytes.fill(&mut id).expect("bytes");
        Keyring::create(VaultId(id), false, &mut bytes).expect("a keyring")
    }

    /// Makes the vault and its clients' keys; nothing goes wrong meanwhile.
    pub(crate) fn make(&mut self) -> Result<(), String> {
        self.start(true)?;
        for name in crate::ops::CLIENTS {
            let vault = Arc::clone(self.vault());
            let made = self.drive(async {
                vault.set_client(Principal::Local(0), name, false).await.map_err(|e| e.to_string())?;
                let life = Duration::from_secs(80 * 86_400);
                let key = vault.new_client_key(Principal::Local(0), name, life).await;
                // EXPOSE: a simulated client's key.
                key.map(|(_, key, _)| key.expose().clone()).map_err(|e| e.to_string())
            });
            self.keys.push((name, made.ok_or("making a client never ended")??));
        }
        Ok(())
    }

    /// Opens the vault, as `serve` does: store, sealed policy, limits, ledger.
    pub(crate) fn start(&mut self, fresh: bool) -> Result<(), String> {
        let stepper: Arc<Stepper> = Arc::default();
        let stop = Arc::new(|_| simdisk::with(simdisk::Disk::cut));
        let keys = self.keyring();
        let options = Options {
            busy: Duration::ZERO,
            quick_check: false,
            on_stop: Some(stop),
            driver: Driver::Stepped(Arc::clone(&stepper)),
            owner: Some(keys.vault()),
        };
        self.stepper = stepper;
        let clock: Arc<dyn Clock> = self.clock.clone();
        let store = if fresh {
            Store::create_with(&self.dir, keys.vault(), options, clock.clone())
        } else {
            Store::open(&self.dir, options, clock.clone())
        };
        let store = store.map_err(|e| format!("the store did not open: {e}"))?;
        store.set_locator_ceiling(keys.ceiling());
        let parts = Parts {
            store,
            keys,
            networks: Networks::default(),
            limits: Limits::new(Settings::generous(), clock.clone()),
            passwords: PasswordPool::new(PasswordParams::default(), 1, 1),
            clock,
        };
        let vault = if fresh {
            let facts = VaultFacts { single_operator: true };
            let made = self.drive(Vault::init(parts, POLICY, facts, Principal::Local(0)));
            made.ok_or("init never ended")?.map_err(|e| e.to_string())?
        } else {
            Vault::open(parts).map_err(|e| format!("the vault did not open: {e}"))?
        };
        vault.announce_public_url("https://sim.example");
        let vault = Arc::new(vault);
        let settled = self.drive(vault.settle_ledger());
        settled.ok_or("settling never ended")?.map_err(|e| format!("not served: {e}"))?;
        self.vault = Some(vault);
        Ok(())
    }

    /// Runs a future alone, with the store stepped for it; `None`: it does not end.
    pub(crate) fn drive<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let mut future = pin!(future);
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..1_000 {
            if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
                return Some(value);
            }
            self.stepper.step(Step::Ledger);
            self.stepper.step(Step::Write(64));
        }
        None
    }

    /// The process ends, with the power or without; what is left is there for the next start.
    pub(crate) fn stop(&mut self, loss: Option<Loss>) {
        if loss.is_some() {
            simdisk::with(simdisk::Disk::cut);
        }
        self.vault = None;
        self.stepper = Arc::default();
        match loss {
            None | Some(Loss::None) => simdisk::with(simdisk::Disk::revive),
            Some(loss) => simdisk::survive(loss),
        }
        if self.sabotage == Some(Sabotage::HourPasses) {
            self.clock.jump(3_600_000_000);
        }
        if let Some(sabotage) = self.sabotage.filter(|s| s.tampers()) {
            // What cannot be tampered with now may be next time.
            let _ = self.kept.tamper(sabotage, &self.dir);
        }
    }
}
