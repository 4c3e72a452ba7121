//! Counters of one shard.

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Plain counters since the shard started; the gauges say so.
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct Stats { $($(#[$doc])* pub $name: u64,)* }

        impl Stats {
            /// Every counter with its name, in the order of the fields.
            pub fn each(&self, mut f: impl FnMut(&'static str, u64)) {
                $(f(stringify!($name), self.$name);)*
            }
        }
    };
}

counters! {
    /// Requests that began a transaction.
    requests,
    /// Requests that repeated one.
    request_repeats,
    /// ACKs that ended at this proxy.
    acks_absorbed,
    /// ACKs passed on.
    acks_forwarded,
    /// CANCELs that found their transaction.
    cancels,
    /// Responses that found their branch.
    responses,
    /// Responses that found nothing here, or that were not well formed.
    responses_stray,
    /// Requests so broken that not even a 400 could be sent.
    requests_unanswerable,
    /// Requests refused before a transaction was made (400, 505, …).
    requests_malformed,
    /// Requests refused since too many transactions are alive or the proxy is shutting down.
    requests_shed,
    /// Branches sent.
    branches,
    /// Branches that timed out.
    branch_timeouts,
    /// Branches that could not be sent.
    branch_transport_errors,
    /// Requests sent again.
    retransmissions,
    /// Consultations begun.
    consultations,
    /// Consultations answered by a document that was used.
    documents,
    /// Documents refused.
    documents_invalid,
    /// Documents for a consultation that is over or never was.
    documents_unknown,
    /// Consultations whose deadline passed.
    deadlines,
    /// Consultations that the static document decided.
    fallbacks,
    /// Consultations that nothing could decide.
    undecided,
    /// Consultations cancelled by the caller.
    consultations_cancelled,
    /// Loops found (RFC 5393).
    loops,
    /// Messages that could not be delivered.
    send_failures,
    /// Calls that were answered while somebody followed them.
    calls,
    /// Of these, calls that are over.
    calls_ended,
    /// Dialogs that were ended here, with BYE.
    calls_ended_here,
    /// Calls that were not followed, or not let through, since there were too many.
    calls_refused,
    /// OPTIONS sent to find out whether a peer is still there.
    probes,
    /// Of these, such as told that it is not.
    probes_failed,
    /// Gauge: followed calls that were answered and are not over.
    calls_live,
    /// Gauge: live transactions.
    live,
    /// Gauge: live transactions whose final response has not been sent.
    unanswered,
}
