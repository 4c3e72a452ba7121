//! What is wrong with the settings of the recording.

use super::{Problem, SECRET, at_least};
use crate::config::{Config, MaskHow, RecordingFile, RecordingRedis, RecordingSettings};

/// Room for some lines.
const QUEUE: u64 = 1 << 16;

/// All that is wrong with `recording`.
pub(super) fn check(config: &Config, found: &mut Vec<Problem>) {
    let recording = &config.recording;
    if !(0.0..=1.0).contains(&recording.sample) {
        let message = format!(
            "{} is no share: write a number from 0 to 1",
            recording.sample
        );
        found.push(Problem::new("recording.sample", message));
    }
    let least = [
        ("recording.queue_bytes", recording.queue_bytes),
        ("recording.waiting_bytes", recording.waiting_bytes),
    ];
    found.extend(
        least
            .into_iter()
            .filter_map(|(key, value)| at_least(key, value as u64, QUEUE)),
    );
    check_masks(recording, found);
    recording
        .file
        .iter()
        .for_each(|file| check_file(file, found));
    recording
        .redis
        .iter()
        .for_each(|redis| check_redis(redis, found));
}

fn check_masks(recording: &RecordingSettings, found: &mut Vec<Problem>) {
    let is_short = |key: &String| key.chars().count() < SECRET;
    if recording.hash_key.as_ref().is_some_and(is_short) {
        let message = format!(
            "at least {SECRET} characters are needed, such as `openssl rand -hex 24` gives: numbers \
             can be guessed by who guesses the key"
        );
        found.push(Problem::new("recording.hash_key", message));
    }
    for (i, mask) in recording.mask.iter().enumerate() {
        let key = format!("recording.mask[{i}]");
        if mask.how == MaskHow::Hash && recording.hash_key.is_none() {
            let message = "`hash` needs a key: set recording.hash_key";
            found.push(Problem::new(format!("{key}.how"), message));
        }
        if mask.digits.is_some() && mask.how != MaskHow::Digits {
            let message = "it counts digits for how = \"digits\" only";
            found.push(Problem::new(format!("{key}.digits"), message));
        }
        if mask.digits == Some(0) {
            found.push(Problem::new(
                format!("{key}.digits"),
                "at least 1 has to be blanked",
            ));
        }
    }
    found.extend(recording.masks().err());
}

fn check_file(file: &RecordingFile, found: &mut Vec<Problem>) {
    if file.path.file_name().is_none() {
        let message = format!("`{}` names no file", file.path.display());
        found.push(Problem::new("recording.file.path", message));
    }
    if file.rotate_bytes > 0 {
        found.extend(at_least(
            "recording.file.rotate_bytes",
            file.rotate_bytes,
            QUEUE,
        ));
    }
    found.extend(at_least(
        "recording.file.queue_bytes",
        file.queue_bytes as u64,
        QUEUE,
    ));
}

fn check_redis(redis: &RecordingRedis, found: &mut Vec<Problem>) {
    if let Err(error) = super::super::recording::redis(redis).check() {
        let message = format!("{error}; write redis://host:6379, or rediss:// for TLS");
        found.push(Problem::new("recording.redis.url", message));
    }
    if redis.stream.is_empty() {
        found.push(Problem::new("recording.redis.stream", "a key is needed"));
    }
    let least = [
        ("recording.redis.max_len", redis.max_len, 1),
        (
            "recording.redis.queue_bytes",
            redis.queue_bytes as u64,
            QUEUE,
        ),
        ("recording.redis.timeout_ms", redis.timeout_ms.into(), 10),
    ];
    found.extend(
        least
            .into_iter()
            .filter_map(|(key, value, least)| at_least(key, value, least)),
    );
}
