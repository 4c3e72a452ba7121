//! Any bytes from a routing application, split anywhere: the same payloads as from the whole, and
//! every payload is carried unchanged by both framings.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use tidegate_schemas::frame::{Decoder, FrameError, Framing, encode};
use tidegate_schemas::{FromApplication, FromProxy};

const LIMIT: usize = 4096;

fuzz_target!(|input: &[u8]| {
    let [step, kind, stream @ ..] = input else {
        return;
    };
    let decoder = || match kind % 3 {
        0 => Decoder::detect().with_limit(LIMIT),
        1 => Decoder::new(Framing::Netstring).with_limit(LIMIT),
        _ => Decoder::new(Framing::Lines).with_limit(LIMIT),
    };
    let whole = payloads(decoder(), stream.chunks(stream.len().max(1)));
    let pieces = payloads(decoder(), stream.chunks(usize::from(*step).max(1)));
    assert_eq!(whole, pieces, "the split makes no difference");
    for payload in &whole.0 {
        assert!(payload.len() <= LIMIT);
        let _ = serde_json::from_slice::<FromApplication<'_>>(payload);
        let _ = serde_json::from_slice::<FromProxy<'_>>(payload);
    }
    carry(Framing::Netstring, stream);
    if !stream.is_empty() && !stream.contains(&b'\n') && !stream.trim_ascii().is_empty() {
        carry(Framing::Lines, stream.trim_ascii());
    }
});

fn payloads<'a>(
    mut decoder: Decoder,
    pieces: impl Iterator<Item = &'a [u8]>,
) -> (Vec<Vec<u8>>, Option<FrameError>) {
    let (mut buffer, mut found) = (BytesMut::new(), Vec::new());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            match decoder.next(&mut buffer) {
                Ok(Some(payload)) => found.push(payload.to_vec()),
                Ok(None) => break,
                Err(error) => return (found, Some(error)),
            }
        }
    }
    (found, None)
}

fn carry(framing: Framing, payload: &[u8]) {
    let mut out = Vec::new();
    encode(framing, payload, &mut out);
    let mut buffer = BytesMut::from(out.as_slice());
    let arrived = Decoder::new(framing).next(&mut buffer);
    assert_eq!(arrived.expect("an encoded frame").as_deref(), Some(payload));
    assert!(
        buffer.iter().all(u8::is_ascii_whitespace),
        "nothing is left"
    );
}
