//! What a question costs in allocations: none, once the buffers have their size.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(unsafe_code, reason = "an allocator can't be counted otherwise")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Instant;

use common::{PATIENCE, Proxy, event, id, native, settings};
use routing_api_client::{Asked, Inbound, Verdict};
use tidegate_schemas::RouteDocument;

/// Counts what the thread asks for.
struct Counting;

thread_local! {
    static COUNTED: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    let _ = COUNTED.try_with(|counted| counted.set(counted.get() + 1));
}

// SAFETY: every call goes to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract.
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn counted<R>(act: impl FnOnce() -> R) -> (R, u64) {
    let before = COUNTED.get();
    let done = act();
    (done, COUNTED.get() - before)
}

#[tokio::test]
async fn a_question_and_its_answer_allocate_nothing() {
    let mut proxy = Proxy::start(native(), settings()).await;
    let mut far = proxy.application("a").await;
    let event = event();
    let mut in_all = 0;
    for n in 0..400 {
        let now = Instant::now();
        let ask = || proxy.dispatcher.ask(id(n), now, now + PATIENCE, 0, &event);
        let (asked, asking) = counted(ask);
        let Asked::Waiting(application) = asked else {
            panic!("{asked:?}");
        };
        far.receive().await;
        let inbound = Inbound::Answer {
            application,
            id: id(n),
            document: Ok(Box::default()),
        };
        let answer = || {
            let verdict = proxy.dispatcher.on_inbound(now, inbound);
            proxy
                .dispatcher
                .accepted(id(n), application, now, &RouteDocument::default());
            verdict
        };
        let (verdict, answering) = counted(answer);
        assert!(matches!(verdict, Verdict::Answered { .. }), "{verdict:?}");
        if n >= 200 {
            in_all += asking + answering;
        }
    }
    assert_eq!(in_all, 0);
}
