//! One seed: a vault is made, clients ask at random while the disk, the clock and the process fail at random, and after
//! every end of the process, and at the last, the whole log is held against the model.

use crate::model::{Model, Step as Taken};
use crate::ops::{Answer, Asking, CLIENTS, Op, Pending, Reply, begin};
use crate::sabotage::Sabotage;
use crate::world::World;
use simdisk::{Loss, Rng};
use std::collections::HashMap;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use strongroom::audit::Verifier;
use strongroom::domain::Id16;
use strongroom::domain::event::{EventBody, Principal};
use strongroom::storage::{SqliteStore, Step};

/// Requests on their way at once.
const SLOTS: usize = 5;

/// What a seed did.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Tally {
    pub(crate) trace: u64,
    pub(crate) requests: u64,
    pub(crate) answers: u64,
    pub(crate) restarts: u64,
    pub(crate) faults: u64,
}

/// A request and what became of it.
struct Entry {
    op: Op,
    asking: Asking,
    began: u64,
    reply: Option<Reply>,
}

/// What clients were told and can use.
#[derive(Default)]
struct Known {
    subjects: Vec<String>,
    records: Vec<String>,
    tokens: Vec<(String, String)>,
    links: Vec<String>,
    emails: Vec<String>,
}

pub(crate) struct Run {
    world: World,
    rng: Rng,
    history: Vec<Entry>,
    flights: Vec<(usize, Pending)>,
    known: Known,
    next: u64,
    tally: Tally,
    used: Option<Used>,
}

/// What the shop had used of its hour when nothing was on its way: units, the clock of then, requests until then.
struct Used {
    units: u64,
    at: i64,
    requests: usize,
}

/// Runs a seed; `Err` says what does not hold.
pub(crate) fn seed(seed: u64, root: &std::path::Path, sabotage: Option<Sabotage>) -> Result<Tally, String> {
    let mut run = Run {
        world: World::new(seed, root, sabotage),
        rng: Rng::new(seed ^ 0x0072_756e),
        history: Vec::new(),
        flights: Vec::new(),
        known: Known::default(),
        next: 0,
        tally: Tally::default(),
        used: None,
    };
    simdisk::with(|disk| disk.talks = std::env::var_os("SIM_TALKS").is_some());
    let done = run.whole();
    run.flights.clear();
    run.world.vault = None;
    let faults = simdisk::with(|disk| disk.counts().1);
    let trace = simdisk::with(|disk| disk.trace());
    simdisk::unmount();
    done.map(|()| Tally { trace, faults, ..run.tally })
}

impl Run {
    fn whole(&mut self) -> Result<(), String> {
        self.world.make()?;
        if let Some(sabotage) = self.world.sabotage {
            sabotage.begin();
        }
        self.fill()?;
        let rounds = 2 + self.rng.below(3);
        for round in 0..rounds {
            let steps = 40 + self.rng.below(160);
            for _ in 0..steps {
                self.act();
                self.poll();
                if simdisk::with(|disk| disk.is_dead()) {
                    break;
                }
            }
            self.end(round + 1 == rounds)?;
        }
        Ok(())
    }

    /// Some people and records to begin with.
    fn fill(&mut self) -> Result<(), String> {
        for _ in 0..3 {
            self.alone(Op::Subject, CLIENTS[0], None)?;
        }
        for subject in self.known.subjects.clone() {
            let email = format!("p{}@example.org", self.next);
            self.alone(
                Op::Record { subject: subject.clone(), name: String::from("Ada"), email },
                CLIENTS[0],
                None,
            )?;
            self.alone(Op::Consent { subject: subject.clone(), granted: true }, CLIENTS[0], None)?;
            self.alone(Op::Link { subject }, CLIENTS[0], None)?;
        }
        Ok(())
    }

    /// One request, to its end, with nothing else on its way.
    fn alone(&mut self, op: Op, client: &'static str, key: Option<u64>) -> Result<(), String> {
        self.launch(op, client, key);
        for _ in 0..40 {
            self.poll();
            if self.flights.is_empty() {
                return Ok(());
            }
            self.world.stepper.step(Step::Ledger);
            self.world.stepper.step(Step::Write(64));
        }
        Err(String::from("a request never ends, with nothing else on its way"))
    }

    /// One thing happens.
    fn act(&mut self) {
        match self.rng.below(100) {
            0..=49 => self.ask(),
            50..=69 => {
                let most = 1 + self.rng.below(8) as usize;
                self.world.stepper.step(Step::Write(most));
            }
            70..=76 => {
                // Where an erasure is between ledger and database, more often than by chance.
                if self.world.stepper.lines() > 0 && self.rng.one_in(8) {
                    let at = self.rng.below(6);
                    simdisk::with(|disk| disk.faults.crash_at = Some(at));
                }
                self.world.stepper.step(Step::Ledger);
            }
            77..=80 => self.world.stepper.step(Step::Upkeep),
            81..=82 => self.world.stepper.step(Step::Index),
            83..=88 => self.clock(),
            89..=90 => self.upkeep(),
            91 => self.leave(),
            92..=94 => self.fault(),
            _ => {}
        }
    }

    fn clock(&mut self) {
        let clock = Arc::clone(&self.world.clock);
        match self.rng.below(12) {
            0 => clock.jump(-(self.rng.below(4_000_000) as i64)),
            1 => clock.pass(self.rng.below(1_200_000_000) as i64),
            _ => clock.pass(self.rng.below(120_000) as i64),
        }
        let (wall, passed) = (strongroom::domain::Clock::wall(&*clock).0, clock.passed());
        self.say(&format!(
            "clock: wall {wall}, monotonic {passed}, the vault's {}",
            self.world.vault().now().0
        ));
    }

    /// What the process does by itself from time to time.
    fn upkeep(&mut self) {
        let vault = Arc::clone(self.world.vault());
        if self.rng.one_in(2) {
            let kept = self.world.drive(vault.keep_limits());
            self.say(&format!("limits kept: {kept:?}"));
        } else {
            self.world.drive(vault.settle_open_erasures());
            vault.housekeep();
        }
    }

    /// A client hangs up.
    fn leave(&mut self) {
        if !self.flights.is_empty() {
            let at = self.rng.below(self.flights.len() as u64) as usize;
            drop(self.flights.remove(at));
        }
    }

    fn fault(&mut self) {
        let far = if self.rng.one_in(3) { 24 } else { 240 };
        let (kind, at) = (self.rng.below(8), self.rng.below(far));
        let times = 1 + self.rng.below(12);
        simdisk::with(|disk| match kind {
            0..=3 => disk.faults.crash_at = Some(at),
            4 => disk.faults.sync_error_at = Some(at / 4),
            5 => disk.faults.write_error_at = Some(at),
            _ => disk.faults.full = Some((at, times)),
        });
    }

    fn ask(&mut self) {
        if self.flights.len() >= SLOTS {
            return;
        }
        let (op, client) = self.choose();
        let op = match op {
            Some(op) => op,
            None => return,
        };
        let keyed = !matches!(
            op,
            Op::Reveal { .. } | Op::Search { .. } | Op::Inspect { .. } | Op::View { .. } | Op::Click { .. }
        );
        let idempotency = (keyed && self.rng.one_in(2)).then_some(self.next);
        self.launch(op, client, idempotency);
    }

    fn launch(&mut self, op: Op, client: &'static str, idempotency: Option<u64>) {
        self.next += 1;
        self.tally.requests += 1;
        let mut request = [0; 16];
        request[..8].copy_from_slice(&self.next.to_be_bytes());
        request[8] = 0x51;
        let asking = Asking { client, key: self.world.key(client), request: Id16(request), idempotency };
        let vault = self.world.vault();
        let began = vault.log_head().size;
        let pending = begin(vault, &asking, &op);
        simdisk::with(|disk| disk.mix(format!("{op:?}").as_bytes()));
        self.say(&format!("request {} of {client}, key {idempotency:?}: {op:?}", self.history.len()));
        self.history.push(Entry { op, asking, began, reply: None });
        self.flights.push((self.history.len() - 1, pending));
    }

    fn choose(&mut self) -> (Option<Op>, &'static str) {
        let shop = CLIENTS[0];
        let (rng, known) = (&mut self.rng, &self.known);
        let email = format!("p{}@example.org", self.next);
        let some = |rng: &mut Rng, field: Option<&str>| -> Vec<String> {
            let fit = known.tokens.iter().filter(|(f, _)| field.is_none_or(|w| w == f));
            let fit: Vec<String> = fit.map(|(_, t)| t.clone()).collect();
            let many = 1 + rng.below(4);
            // Recent ones more often, and none twice.
            let mut some: Vec<String> = (0..many).filter_map(|_| rng.pick(&fit).cloned()).collect();
            some.sort();
            some.dedup();
            some
        };
        let op = match rng.below(100) {
            0..=9 => Some(Op::Subject),
            10..=24 => rng.pick(&known.subjects).cloned().map(|subject| {
                let name = format!("Ada {}", char::from(b'A' + (self.next % 26) as u8));
                Op::Record { subject, name, email }
            }),
            25..=29 => rng.pick(&known.subjects).cloned().map(|subject| {
                let many = 1 + rng.below(3);
                let emails = (0..many).map(|n| format!("b{n}.{email}")).collect();
                Op::Batch { subject, emails, atomic: rng.one_in(2) }
            }),
            30..=36 => rng.pick(&known.records).cloned().map(|record| Op::Patch { record, email }),
            37..=50 => Some(Op::Reveal { purpose: "order_fulfilment", tokens: some(rng, None) }),
            51..=59 => {
                let tokens = some(rng, Some("email"));
                return (Some(Op::Reveal { purpose: "newsletter", tokens }).filter(has_tokens), CLIENTS[1]);
            }
            60..=63 => rng.pick(&known.emails).cloned().map(|email| Op::Search { email }),
            64..=67 => {
                let uses = 1 + rng.below(3) as u32;
                rng.pick(&known.records).cloned().map(|record| Op::Mint { record, uses })
            }
            68..=70 => rng.pick(&known.tokens).cloned().map(|(_, token)| Op::Revoke { token }),
            71..=73 => Some(Op::Inspect { tokens: some(rng, None) }),
            74..=82 => {
                let granted = !rng.one_in(3);
                rng.pick(&known.subjects).cloned().map(|subject| Op::Consent { subject, granted })
            }
            83..=84 => rng.pick(&known.subjects).cloned().map(|subject| Op::Link { subject }),
            85..=87 => rng.pick(&known.links).cloned().map(|link| Op::Click { link }),
            88..=92 => rng.pick(&known.records).cloned().map(|record| Op::Erase { record }),
            93..=94 => rng.pick(&known.subjects).cloned().map(|subject| Op::View { subject }),
            _ => {
                self.again();
                None
            }
        };
        (op.filter(has_tokens), shop)
    }

    /// A client asks again under a key it used before, mostly one it had no answer for.
    fn again(&mut self) {
        let keyed = self.history.iter().enumerate().filter(|(_, e)| e.asking.idempotency.is_some());
        let open: Vec<usize> = keyed.clone().filter(|(_, e)| e.reply.is_none()).map(|(n, _)| n).collect();
        let all: Vec<usize> = keyed.map(|(n, _)| n).collect();
        let from = if open.is_empty() || self.rng.one_in(3) { all } else { open };
        let Some(at) = self.rng.pick(&from).copied() else { return };
        let entry = &self.history[at];
        let (op, client, key) = (entry.op.clone(), entry.asking.client, entry.asking.idempotency);
        self.launch(op, client, key);
    }

    /// Every request goes on as far as it can; what is answered is told, unless the machine stopped.
    fn poll(&mut self) {
        let mut context = Context::from_waker(Waker::noop());
        let mut flights = std::mem::take(&mut self.flights);
        flights.retain_mut(|(at, pending)| match pending.as_mut().poll(&mut context) {
            Poll::Pending => true,
            Poll::Ready(reply) => {
                if !simdisk::with(|disk| disk.is_dead()) {
                    self.told(*at, reply);
                }
                false
            }
        });
        self.flights = flights;
        if self.world.sabotage == Some(Sabotage::AnswerEarly) {
            let early: Vec<usize> = self.flights.iter().map(|(at, _)| *at).collect();
            for at in early {
                let answer = Ok(Answer::Done);
                if matches!(self.history[at].op, Op::Consent { .. }) {
                    self.history[at].reply = Some(Reply { answer, position: None, cost: 0, replayed: false });
                }
            }
        }
    }

    fn told(&mut self, at: usize, reply: Reply) {
        self.tally.answers += 1;
        simdisk::with(|disk| disk.mix(format!("{reply:?}").as_bytes()));
        self.say(&format!("answer to {at}: {reply:?}"));
        if let Ok(answer) = &reply.answer {
            self.learn(&self.history[at].op.clone(), answer);
        }
        self.history[at].reply = Some(reply);
    }

    fn learn(&mut self, op: &Op, answer: &Answer) {
        let known = &mut self.known;
        let mut hold = |told: &crate::ops::Told| {
            if !known.records.contains(&told.record) {
                known.records.push(told.record.clone());
            }
            for pair in &told.tokens {
                if !known.tokens.contains(pair) {
                    known.tokens.push(pair.clone());
                }
            }
        };
        match answer {
            Answer::Record(told) => hold(told),
            Answer::Batch(items) => items.iter().flatten().for_each(hold),
            Answer::Subject(name) if !known.subjects.contains(name) => known.subjects.push(name.clone()),
            Answer::Link(link) if !known.links.contains(link) => known.links.push(link.clone()),
            _ => {}
        }
        match op {
            Op::Record { email, .. } | Op::Patch { email, .. } => self.known.emails.push(email.clone()),
            Op::Batch { emails, .. } => self.known.emails.extend(emails.clone()),
            _ => {}
        }
    }

    /// The process ends, starts again, is looked at and held against the model.
    fn end(&mut self, last: bool) -> Result<(), String> {
        self.say("the process ends");
        let orderly = !simdisk::with(|disk| disk.is_dead()) && self.rng.one_in(3);
        simdisk::with(|disk| {
            disk.faults.crash_at = None;
            disk.faults.sync_error_at = None;
            disk.faults.write_error_at = None;
            disk.faults.full = None;
        });
        let loss = if orderly { None } else { Some(self.loss()) };
        if orderly && self.rng.one_in(2) {
            let vault = Arc::clone(self.world.vault());
            self.world.drive(vault.keep_limits());
        }
        self.flights.clear();
        self.say(&format!("what is lost: {loss:?}"));
        self.world.stop(loss);
        self.start()?;
        self.limits()?;
        self.look()?;
        self.check()?;
        self.used = Some(self.hour()?);
        if last {
            self.world.stop(None);
        }
        Ok(())
    }

    fn hour(&self) -> Result<Used, String> {
        let vault = self.world.vault();
        let caller = vault.authenticate(Some(&self.world.key(CLIENTS[0])), crate::ops::peer(CLIENTS[0]));
        let caller = caller.map_err(|r| format!("the shop is {}", r.code()))?;
        let windows = vault.windows(&caller);
        let hour =
            windows.iter().find(|(name, _)| *name == "reads_per_hour").ok_or("there is no such window")?;
        let units = hour.1.quota - hour.1.remaining;
        Ok(Used { units, at: self.world.clock.passed(), requests: self.history.len() })
    }

    /// No end of the process gives units back: what was used before and charged since, less what time gave back.
    fn limits(&mut self) -> Result<(), String> {
        let Some(before) = &self.used else { return Ok(()) };
        let now = self.hour()?;
        self.say(&format!(
            "units used: {}, before {} (clock {} then, {} now)",
            now.units, before.units, before.at, now.at
        ));
        let since = self.history.iter().skip(before.requests).filter(|e| e.asking.client == CLIENTS[0]);
        let charged: u64 =
            since.filter_map(|e| e.reply.as_ref().filter(|r| !r.replayed)).map(|r| u64::from(r.cost)).sum();
        // 40 000 an hour, and five seconds' worth for a clock that went back.
        let given = (now.at - before.at).unsigned_abs() * 40_000 / 3_600_000_000 + 60;
        let least = (before.units + charged).saturating_sub(given);
        if now.units < least {
            let Used { units, .. } = before;
            return Err(format!(
                "{} units of the hour are used after a start, at least {least} were: {units} before, {charged} since, \
                 {given} given back",
                now.units
            ));
        }
        Ok(())
    }

    fn loss(&mut self) -> Loss {
        *self
            .rng
            .pick(&[Loss::None, Loss::Everything, Loss::Tail, Loss::Some, Loss::Torn])
            .unwrap_or(&Loss::None)
    }

    /// What happens, told on standard error when `SIM_TALKS` is set.
    fn say(&self, what: &str) {
        if simdisk::with(|disk| disk.talks) {
            eprintln!("— {what}");
        }
    }

    /// Starts until it is started; a start may be cut off too.
    fn start(&mut self) -> Result<(), String> {
        for _ in 0..6 {
            self.tally.restarts += 1;
            if self.rng.one_in(4) {
                let at = self.rng.below(30);
                simdisk::with(|disk| disk.faults.crash_at = Some(at));
            }
            let started = self.world.start(false);
            let dead = simdisk::with(|disk| {
                disk.faults.crash_at = None;
                disk.is_dead()
            });
            match started {
                Ok(()) if !dead => return Ok(()),
                Err(why) if !dead => return Err(why),
                _ => {}
            }
            let loss = self.loss();
            self.say(&format!("the start was cut off; what is lost: {loss:?}"));
            self.world.stop(Some(loss));
        }
        self.world.start(false)
    }

    /// After a start: some of what must be there is asked for, one after the other.
    fn look(&mut self) -> Result<(), String> {
        let mut asked: Vec<(Op, &'static str, Option<u64>)> = Vec::new();
        let unanswered = self.history.iter().filter(|e| e.reply.is_none() && e.asking.idempotency.is_some());
        asked.extend(unanswered.rev().take(3).map(|e| (e.op.clone(), e.asking.client, e.asking.idempotency)));
        let tokens: Vec<String> = self.known.tokens.iter().map(|(_, t)| t.clone()).collect();
        for some in tokens.chunks(24) {
            asked.push((Op::Reveal { purpose: "order_fulfilment", tokens: some.to_vec() }, CLIENTS[0], None));
        }
        let emails = self.known.tokens.iter().filter(|(f, _)| f == "email").map(|(_, t)| t.clone());
        let tokens: Vec<String> = emails.take(24).collect();
        asked.push((Op::Reveal { purpose: "newsletter", tokens: tokens.clone() }, CLIENTS[1], None));
        asked.push((Op::Inspect { tokens }, CLIENTS[0], None));
        let subjects = self.known.subjects.iter().rev().take(4).cloned();
        asked.extend(subjects.map(|subject| (Op::View { subject }, CLIENTS[0], None)));
        let emails = self.known.emails.iter().rev().take(2).cloned();
        asked.extend(emails.map(|email| (Op::Search { email }, CLIENTS[0], None)));
        for (op, client, key) in asked.into_iter().filter(|(op, ..)| has_tokens(op)) {
            self.alone(op, client, key)?;
        }
        Ok(())
    }

    /// The log verifies, holds one event for every answer, and every answer is what the model says at its place.
    fn check(&mut self) -> Result<(), String> {
        let mut log: Vec<(u64, EventBody)> = Vec::new();
        let mut verifier = Verifier::new(None).map_err(|e| e.to_string())?;
        let mut broken = None;
        let read = SqliteStore::audit_rows(&self.world.dir, 0, |row| {
            match verifier.push(&row) {
                Ok(body) => log.push((row.pos, body)),
                Err(e) => broken = Some(e.to_string()),
            }
            Ok(())
        });
        read.map_err(|e| format!("the log cannot be read: {e}"))?;
        if let Some(broken) = broken {
            return Err(broken);
        }
        verifier.finish().map_err(|e| e.to_string())?;
        let head = self.world.vault().log_head().size;
        if log.len() as u64 != head {
            return Err(format!("the log has {} events and its head says {head}", log.len()));
        }
        let mut found: HashMap<[u8; 16], u64> = HashMap::new();
        for (position, body) in log.iter().filter(|(_, b)| b.request.0[8] == 0x51) {
            if let Some(before) = found.insert(body.request.0, *position) {
                return Err(format!("one request has events at {before} and {position}"));
            }
        }
        self.count(&found)?;
        let mut model = Model::default();
        for record in &self.known.records {
            let reference = self.world.vault().reference_of(record).and_then(|(_, record)| record);
            model.name(reference, record);
        }
        let by: HashMap<[u8; 16], &Entry> = self.history.iter().map(|e| (e.asking.request.0, e)).collect();
        for (position, event) in &log {
            let Some(entry) = by.get(&event.request.0) else {
                if matches!(event.principal, Principal::Client(_)) {
                    return Err(format!("the event at {position} is of a request nobody made"));
                }
                model.own(*position, event);
                continue;
            };
            let step = Taken {
                op: &entry.op,
                client: entry.asking.client,
                key: entry.asking.idempotency,
                request: event.request.0,
                began: entry.began,
                position: *position,
                event,
                reply: entry.reply.as_ref(),
            };
            model.take(&step).map_err(|why| format!("{why} (event {position}, {:?})", entry.op))?;
        }
        Ok(())
    }

    /// Every answer has its event, at the position of its receipt.
    fn count(&self, found: &HashMap<[u8; 16], u64>) -> Result<(), String> {
        for entry in &self.history {
            let Some(reply) = &entry.reply else { continue };
            let position = found.get(&entry.asking.request.0);
            let excused = matches!(&reply.answer, Err(code) if
                ["audit_unavailable", "storage_full", "overloaded", "unauthenticated"].contains(&code.as_str()));
            match position {
                None if !excused => {
                    return Err(format!(
                        "{:?} was answered {:?} and is not on the log",
                        entry.op, reply.answer
                    ));
                }
                Some(position) if reply.position.is_some_and(|p| p != *position) => {
                    return Err(format!(
                        "{:?} has a receipt of {:?} for {position}",
                        entry.op, reply.position
                    ));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn has_tokens(op: &Op) -> bool {
    !matches!(op, Op::Reveal { tokens, .. } | Op::Inspect { tokens } if tokens.is_empty())
}
