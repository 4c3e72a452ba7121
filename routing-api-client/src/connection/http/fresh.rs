//! Whether a request went over a connection that was idle before.

use std::cell::Cell;
use std::task::{Context, Poll};

use tower_layer::Layer;
use tower_service::Service;

tokio::task_local! {
    static FRESH: Cell<bool>;
}

/// Sends a request. Whether a connection was opened for it.
pub(crate) async fn watched<T>(request: impl Future<Output = T>) -> (T, bool) {
    let work = async {
        let result = request.await;
        (result, FRESH.with(Cell::get))
    };
    FRESH.scope(Cell::new(false), work).await
}

/// Notices that a connection is opened. This happens in the task of the request that needs it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Watch;

impl<S> Layer<S> for Watch {
    type Service = Watched<S>;

    fn layer(&self, inner: S) -> Watched<S> {
        Watched(inner)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Watched<S>(S);

impl<R, S: Service<R>> Service<R> for Watched<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> S::Future {
        let _ = FRESH.try_with(|fresh| fresh.set(true));
        self.0.call(request)
    }
}
