//! Any bytes as a TCP stream, split anywhere: the same messages come out as from the whole.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use tidegate_sip::stream::{Frame, FrameError, Framer};
use tidegate_sip::{Head, Limits};

fuzz_target!(|input: &[u8]| {
    let Some((&step, stream)) = input.split_first() else {
        return;
    };
    let whole = frames(stream.chunks(stream.len().max(1)));
    let pieces = frames(stream.chunks(usize::from(step).max(1)));
    assert_eq!(
        whole.0, pieces.0,
        "the split makes no difference to the messages"
    );
    assert_eq!(
        whole.1.is_some(),
        pieces.1.is_some(),
        "nor to whether the stream breaks"
    );
    for frame in whole.0 {
        if let Frame::Message(bytes) = frame {
            Head::new()
                .parse(&bytes, &limits())
                .expect("a framed message can be read");
        }
    }
});

fn frames<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Frame>, Option<FrameError>) {
    let (mut framer, mut buffer, mut found) = (Framer::new(limits()), BytesMut::new(), Vec::new());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            match framer.next(&mut buffer) {
                Ok(Some(frame)) => found.push(frame),
                Ok(None) => break,
                Err(error) => return (found, Some(error)),
            }
        }
    }
    (found, None)
}

fn limits() -> Limits {
    Limits {
        max_message: 4096,
        ..Limits::default()
    }
}
