//! An application that speaks HTTP/2, on one connection.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use http::{Request, Response};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tokio_rustls::TlsAcceptor;

use crate::certificates;
use crate::way::Bench;

/// The id of a question, and where its answer goes.
pub(crate) type Question = (Value, oneshot::Sender<String>);

impl Bench {
    /// Takes one connection and answers its hello.
    pub(crate) async fn http_2(&self) -> mpsc::UnboundedReceiver<Question> {
        let mut config = certificates::server("server", false);
        config.alpn_protocols = vec![b"h2".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let stream = acceptor.accept(self.plain().await).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let (questions, received) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let service = service_fn(|request: Request<hyper::body::Incoming>| {
                let questions = questions.clone();
                async move { answer(request.map(Body::new), &questions).await }
            });
            let connection = http2::Builder::new(TokioExecutor::new());
            let _ = connection
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
        received
    }
}

async fn answer(
    request: Request<Body>,
    questions: &mpsc::UnboundedSender<Question>,
) -> Result<Response<Body>, Infallible> {
    let body = to_bytes(request.into_body(), usize::MAX).await.unwrap();
    let message: Value = serde_json::from_slice(&body).unwrap();
    if message["type"] != "route" {
        return Ok(Response::new(Body::empty()));
    }
    let (answer, answered) = oneshot::channel();
    let _ = questions.send((message["id"].clone(), answer));
    Ok(Response::new(Body::from(answered.await.unwrap())))
}
