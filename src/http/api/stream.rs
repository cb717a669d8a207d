//! Detokenize as lines (`Accept: application/x-ndjson`): up to 100 000 tokens, one item a line, a last line that says how it
//! ended. A part is made when the one before is on its way, so a client that stops reading stops the reading of the vault.

use crate::domain::disclosure::LogHead;
use crate::http::api::detokenize::{write_error, write_item};
use crate::http::capacity::{STREAM_LIFE, StreamPlace};
use crate::http::exchange::{Exchange, Failure, Lines, Reply};
use crate::http::problem::Problem;
use crate::vault::{Fault, Item, MAX_STREAMED, Refusal, RevealCommand, RevealStream, RevealedChunk};
use actix_web::web::Bytes;
use futures_util::StreamExt;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use zeroize::Zeroizing;

/// A stream between two parts.
struct State {
    source: RevealStream,
    /// The first part, made before the reply began.
    first: Option<RevealedChunk>,
    count: usize,
    errors: usize,
    _place: StreamPlace,
}

/// Where a stream's state is kept while nobody polls it: taken away when its time is over.
type Kept = Rc<RefCell<Option<Box<State>>>>;

/// Charges, makes the first part, and answers with what makes the others. Whatever refuses the whole request is a problem.
pub async fn reveal(x: &Exchange<'_>, command: RevealCommand) -> Result<Reply, Failure> {
    if command.atomic {
        let detail = "A stream is released part by part; leave atomic out, or ask for JSON.";
        return Err(Fault::new("/atomic", "not_streamed", detail).into());
    }
    if command.tokens.is_empty() || command.tokens.len() > MAX_STREAMED {
        return Err(Fault::new("/tokens", "out_of_range", "Send 1 to 100000 tokens to stream.").into());
    }
    let place = x.capacity.stream(x.caller.client()).map_err(|problem| Failure::Early(Box::new(problem)))?;
    let mut source = RevealStream::begin(Arc::clone(x.vault), Arc::clone(x.caller), x.call, command).await?;
    let first = match source.next().await {
        Some(first) => first?,
        None => return Err(Refusal::NotFound.into()),
    };
    let (cost, head): (u32, LogHead) = (source.cost(), first.head);
    let state = State { source, first: Some(first), count: 0, errors: 0, _place: place };
    Ok(Reply::lines(cost, head, lines(state)))
}

fn lines(state: State) -> Lines {
    let kept: Kept = Rc::new(RefCell::new(Some(Box::new(state))));
    let watched = Rc::downgrade(&kept);
    let end = tokio::time::Instant::now() + STREAM_LIFE;
    actix_web::rt::spawn(async move {
        tokio::time::sleep_until(end).await;
        // A client that no longer reads keeps its connection, but neither tokens nor place.
        drop(watched.upgrade().and_then(|kept| kept.borrow_mut().take()));
    });
    futures_util::stream::unfold(Some(kept), move |kept| async move {
        let kept = kept?;
        let taken = kept.borrow_mut().take();
        let Some(mut state) = taken else {
            return Some((Ok(Bytes::from_static(OVERDUE)), None));
        };
        let (bytes, goes_on) = part(&mut state).await;
        // A part that was being made when the time ended is the last one: nobody takes the state away after it.
        if goes_on && tokio::time::Instant::now() < end {
            *kept.borrow_mut() = Some(state);
        }
        Some((Ok(bytes), goes_on.then_some(kept)))
    })
    .boxed_local()
}

/// The last line of a stream whose time was over.
const OVERDUE: &[u8] =
    b"{\"done\":false,\"error\":{\"code\":\"request_timeout\",\"status\":408,\"retryable\":true}}\n";

/// The next part as lines; the last one with its closing line.
async fn part(state: &mut State) -> (Bytes, bool) {
    let next = match state.first.take() {
        Some(first) => Some(Ok(first)),
        None => state.source.next().await,
    };
    match next {
        Some(Ok(chunk)) => {
            state.count += chunk.items.len();
            state.errors += chunk.items.iter().filter(|i| matches!(i, Item::Refused(_))).count();
            (write_chunk(state, &chunk), true)
        }
        Some(Err(refusal)) => {
            let mut out = b"{\"done\":false,\"error\":".to_vec();
            write_error(&Problem::from(&refusal), &mut out);
            out.extend_from_slice(
                format!(",\"count\":{},\"errors\":{}}}\n", state.count, state.errors).as_bytes(),
            );
            (Bytes::from(out), false)
        }
        None => {
            let end = format!("{{\"done\":true,\"count\":{},\"errors\":{}}}\n", state.count, state.errors);
            (Bytes::from(end), false)
        }
    }
}

/// One buffer of sufficient size, zeroed when the socket has taken it.
fn write_chunk(state: &State, chunk: &RevealedChunk) -> Bytes {
    let size: usize = chunk
        .items
        .iter()
        // EXPOSE: lengths only.
        .map(|i| if let Item::Shown { json, .. } = i { json.expose().len() } else { 64 })
        .sum();
    let mut out = Zeroizing::new(Vec::with_capacity(size + chunk.items.len() * 192));
    for (n, item) in chunk.items.iter().enumerate() {
        let index = chunk.first + n;
        write_item(index, state.source.tokens().get(index), item, &mut out);
        out.push(b'\n');
    }
    Bytes::from_owner(out)
}
