//! When another file begins, how the full ones are called and which of them stay.

use super::*;

#[test]
fn a_rotation_by_size_splits_no_line_and_loses_none() {
    let mut place = Place::new(|it| it.rotate_bytes = Some(300));
    let texts: Vec<String> = (0..200)
        .map(|i| format!("{i}:{}", "x".repeat(i % 90)))
        .collect();
    for batch in texts.chunks(17) {
        place.write(&batch.iter().map(String::as_str).collect::<Vec<_>>());
    }
    let mut all: Vec<String> = place.full().into_iter().map(|(_, text)| text).collect();
    assert!(all.len() > 20);
    assert_eq!(place.port.state().renewed, all.len() as u64);
    all.push(place.written());
    for text in &all {
        assert!(text.len() <= 300 && text.ends_with('\n'), "{text}");
    }
    assert_eq!(all.concat(), texts.join("\n") + "\n");
}

#[test]
fn a_file_is_filled_before_another_one_begins() {
    let mut place = Place::new(|it| it.rotate_bytes = Some(6));
    place.write(&["a", "b"]);
    place.write(&["c", "d"]);
    assert_eq!(place.full().len(), 1);
    assert_eq!(
        (&*place.full()[0].1, &*place.written()),
        ("a\nb\nc\n", "d\n")
    );
}

#[test]
fn a_line_longer_than_a_file_stands_alone_in_one() {
    let mut place = Place::new(|it| it.rotate_bytes = Some(6));
    place.write(&["a", "too long for it", "b"]);
    let full: Vec<String> = place.full().into_iter().map(|(_, text)| text).collect();
    assert_eq!(full, ["a\n", "too long for it\n"]);
    assert_eq!(place.written(), "b\n");
}

#[test]
fn a_full_file_is_called_by_the_time_of_its_last_line() {
    for (rotate, later) in [(Rotate::Hourly, 45 * 60), (Rotate::Daily, 86_400)] {
        NOW.set(MORNING);
        let mut place = Place::new(|it| it.rotate = Some(rotate));
        place.write(&["a"]);
        NOW.set(MORNING + 60);
        place.write(&["b"]);
        NOW.set(MORNING + 120);
        place.idle();
        assert_eq!(place.full(), [], "{rotate:?}");
        NOW.set(MORNING + later);
        place.write(&["c"]);
        let wanted = ("d-20261123T081600Z.jsonl".to_owned(), "a\nb\n".to_owned());
        assert_eq!(place.full(), [wanted], "{rotate:?}");
        assert_eq!(place.written(), "c\n");
    }
}

#[test]
fn another_file_begins_with_the_hour_and_not_before() {
    NOW.set(MORNING);
    let mut place = Place::new(|it| it.rotate = Some(Rotate::Hourly));
    place.write(&["a"]);
    NOW.set(MORNING + 45 * 60 - 1);
    place.write(&["b"]);
    assert_eq!(place.written(), "a\nb\n");
    NOW.set(MORNING + 45 * 60);
    place.idle();
    assert_eq!((place.full().len(), &*place.written()), (1, ""));
}

#[test]
fn an_empty_file_is_not_rotated() {
    NOW.set(MORNING);
    let mut place = Place::new(|it| it.rotate = Some(Rotate::Hourly));
    place.idle();
    NOW.set(MORNING + 7200);
    place.idle();
    assert_eq!(place.full(), []);
    assert_eq!(place.port.state().renewed, 0);
}

#[test]
fn a_file_of_yesterday_makes_room_before_the_first_line() {
    let mut place = Place::new(|it| it.rotate = Some(Rotate::Daily));
    fs::write(place.path(), "old\n").unwrap();
    let file = fs::File::options().append(true).open(place.path()).unwrap();
    file.set_modified(now() - Duration::from_secs(86_400))
        .unwrap();
    place.write(&["new"]);
    let wanted = ("d-20261122T081500Z.jsonl".to_owned(), "old\n".to_owned());
    assert_eq!((place.full(), &*place.written()), (vec![wanted], "new\n"));
}

#[test]
fn files_full_in_the_same_second_are_called_in_their_order() {
    let mut place = Place::new(|it| it.rotate_bytes = Some(2));
    place.write(&["a", "b", "c", "d"]);
    let wanted = [("00", "a\n"), ("01", "b\n"), ("02", "c\n")];
    let wanted = wanted.map(|(s, text)| (format!("d-20261123T0815{s}Z.jsonl"), text.to_owned()));
    assert_eq!(place.full(), wanted);
}

#[test]
fn the_newest_files_are_kept() {
    let mut place = Place::new(|it| (it.rotate_bytes, it.keep) = (Some(2), Some(2)));
    place.write(&["a", "b", "c", "d", "e", "f"]);
    let kept: Vec<String> = place.full().into_iter().map(|(_, text)| text).collect();
    assert_eq!(
        (kept.concat(), &*place.written()),
        ("d\ne\n".to_owned(), "f\n")
    );
}

#[test]
fn a_clock_that_is_set_back_makes_no_new_file_the_oldest() {
    NOW.set(MORNING);
    let mut place = Place::new(|it| (it.rotate_bytes, it.keep) = (Some(2), Some(1)));
    place.write(&["a", "b"]);
    NOW.set(MORNING - 3600);
    place.write(&["c", "d"]);
    let kept: Vec<String> = place.full().into_iter().map(|(_, text)| text).collect();
    assert_eq!(
        (kept.concat(), &*place.written()),
        ("c\n".to_owned(), "d\n")
    );
}

#[test]
fn no_more_bytes_than_wanted_are_kept() {
    let mut place = Place::new(|it| (it.rotate_bytes, it.keep_bytes) = (Some(5), Some(10)));
    place.write(&["aaaa", "bb", "cccc", "dd", "eeee", "f"]);
    let kept: Vec<String> = place.full().into_iter().map(|(_, text)| text).collect();
    assert_eq!(kept.concat(), "dd\neeee\n");
}

#[test]
fn files_of_others_are_not_cleaned_away() {
    let mut place = Place::new(|it| (it.rotate_bytes, it.keep) = (Some(2), Some(0)));
    let others = [
        "d.jsonl.1",
        "d-20261123T081500Z.jsonl.gz",
        "e-20261123T081500Z.jsonl",
    ];
    let others = others.map(|name| place.folder.path().join(name));
    others.iter().for_each(|path| fs::write(path, "x").unwrap());
    place.write(&["a", "b"]);
    assert_eq!(place.full(), []);
    assert!(others.iter().all(|path| path.exists()));
}

#[test]
fn a_period_is_a_day_or_an_hour_of_utc() {
    let midnight = now() - Duration::from_secs(seconds(now()) % 86_400);
    let before = midnight - Duration::from_secs(1);
    let one = midnight + Duration::from_secs(3600);
    assert_ne!(Rotate::Daily.period(before), Rotate::Daily.period(midnight));
    assert_eq!(Rotate::Daily.period(midnight), Rotate::Daily.period(one));
    assert_ne!(Rotate::Hourly.period(midnight), Rotate::Hourly.period(one));
}
