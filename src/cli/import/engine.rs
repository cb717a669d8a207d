//! The import itself: lines read in order, so many under way at once, each written to the journal before and after. Lines of one
//! person never run beside each other, so that what the later one finds does not depend on luck.

use super::interrupt::Interrupts;
use super::journal::{Counts, Journal, Open, State};
use super::line::{self, Ended, Shared};
use super::mapping::Mapping;
use super::outputs::Outputs;
use super::plan::{LineFault, plan};
use super::progress::Progress;
use super::source::{Next, Source};
use crate::cli::remote::Link;
use crate::cli::{Failed, INTERRUPTED};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;
use std::cell::RefCell;
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

/// After how many lines the journal is made durable.
const SYNC_EVERY: u64 = 256;
/// After how many lines signals are listened to whatever happens.
const BREATH: u32 = 64;

/// An import under way.
pub(super) struct Engine<'a> {
    pub(super) link: &'a Link,
    pub(super) mapping: &'a Mapping,
    pub(super) journal: &'a RefCell<Journal>,
    pub(super) outputs: Outputs,
    pub(super) state: State,
    pub(super) progress: Progress,
    pub(super) at_once: usize,
}

type Flying<'f> = FuturesUnordered<LocalBoxFuture<'f, (u64, u64, Result<Ended, Failed>)>>;

impl<'a> Engine<'a> {
    /// Runs to the end of the input; the sums over all lines, earlier runs included.
    pub(super) async fn run(mut self, source: &mut Source) -> Result<Counts, Failed> {
        let shared = Shared {
            link: self.link,
            journal: self.journal,
            on_duplicate: self.mapping.on_duplicate,
            subject_client: &self.mapping.subject.client,
            wants_tokens: self.outputs.wants_tokens(),
        };
        let hasher = RandomState::new();
        let (mut flying, mut people) = (Flying::new(), HashSet::new());
        let mut interrupts = Interrupts::listen();
        let mut fed = 0_u32;
        let mut result = loop {
            fed = fed.wrapping_add(1);
            if fed.is_multiple_of(BREATH) {
                // Lines that need no request would otherwise keep signals from being heard.
                tokio::task::yield_now().await;
            }
            // A line that is cut off while it waits for its turn was not begun: it is read again.
            let more = tokio::select! {
                biased;
                () = interrupts.next() => Err(Failed::new(INTERRUPTED)),
                more = self.feed(source, &shared, (&mut flying, &mut people), &hasher) => more,
            };
            match more {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        // What is under way comes to its end either way; it is cheaper than sending it again.
        while let Some(ended) = tokio::select! {
            ended = flying.next() => ended,
            () = interrupts.next() => {
                result = result.and(Err(Failed::new(INTERRUPTED)));
                None
            }
        } {
            result = result.and(self.land(ended, &mut people));
        }
        self.progress.end();
        self.outputs.sync()?;
        self.journal.borrow().sync()?;
        result?;
        self.journal.borrow_mut().finish()?;
        Ok(self.state.counts)
    }

    /// Takes the next line on; `false` at the end of the input.
    async fn feed<'f>(
        &mut self,
        source: &mut Source,
        shared: &'f Shared<'f>,
        (flying, people): (&mut Flying<'f>, &mut HashSet<u64>),
        hasher: &RandomState,
    ) -> Result<bool, Failed>
    where
        'a: 'f,
    {
        let Some(next) = source.next()? else { return Ok(false) };
        self.progress.at(source.bytes(), &self.state.counts);
        let row = match next {
            Next::Unfit(line, _) if self.state.is_done(line) => return Ok(true),
            Next::Unfit(line, code) => {
                self.reject(line, &[LineFault::new(None, "", code)])?;
                return Ok(true);
            }
            Next::Row(row) if self.state.is_done(row.line) => return Ok(true),
            Next::Row(row) => row,
        };
        let planned = match plan(self.mapping, &row) {
            Ok(planned) => planned,
            Err(faults) => {
                self.reject(row.line, &faults)?;
                return Ok(true);
            }
        };
        // EXPOSE: hashed with a random key, to tell people of lines under way apart.
        let person = hasher.hash_one(planned.external_ref.expose());
        while flying.len() >= self.at_once || people.contains(&person) {
            let Some(ended) = flying.next().await else { break };
            self.land(ended, people)?;
        }
        let earlier = match self.state.open.remove(&planned.line) {
            Some(open) => open,
            None => {
                self.journal.borrow_mut().begin(planned.line)?;
                Open::default()
            }
        };
        people.insert(person);
        let number = planned.line;
        flying.push(Box::pin(async move { (number, person, line::send(shared, &planned, earlier).await) }));
        Ok(true)
    }

    /// Writes down how a line ended.
    fn land(
        &mut self,
        ended: (u64, u64, Result<Ended, Failed>),
        people: &mut HashSet<u64>,
    ) -> Result<(), Failed> {
        let (line, person, ended) = ended;
        people.remove(&person);
        let mut ended = ended
            .map_err(|e| Failed::new(format!("line {line}: {e}; nothing is lost: go on with --resume")))?;
        self.outputs.tokens(&ended.tokens)?;
        self.outputs.rejects(line, &ended.faults)?;
        ended.counts.rejected = u64::from(!ended.faults.is_empty());
        self.done(line, ended.counts)
    }

    /// Writes down a line of which nothing is sent.
    fn reject(&mut self, line: u64, faults: &[LineFault]) -> Result<(), Failed> {
        self.outputs.rejects(line, faults)?;
        self.state.open.remove(&line);
        self.done(line, Counts { lines: 1, rejected: 1, ..Counts::default() })
    }

    fn done(&mut self, line: u64, counts: Counts) -> Result<(), Failed> {
        self.journal.borrow_mut().done(line, counts, self.outputs.lengths())?;
        self.state.counts.add(&counts);
        if self.state.counts.lines.is_multiple_of(SYNC_EVERY) {
            self.outputs.sync()?;
            self.journal.borrow().sync()?;
        }
        Ok(())
    }
}
