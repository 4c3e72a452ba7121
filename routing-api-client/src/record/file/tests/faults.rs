//! What others, crashes and the system do to the files.

use super::*;

#[test]
fn a_file_that_is_moved_away_is_followed_by_another() {
    let mut place = Place::new(|_| {});
    place.write(&["a"]);
    let moved = place.folder.path().join("d.jsonl.1");
    fs::rename(place.path(), &moved).unwrap();
    place.idle();
    place.write(&["b"]);
    assert_eq!(fs::read_to_string(moved).unwrap(), "a\n");
    assert_eq!(place.written(), "b\n");
}

#[test]
fn a_file_that_is_emptied_has_room_again() {
    let mut place = Place::new(|it| it.rotate_bytes = Some(6));
    place.write(&["a", "b", "c"]);
    fs::File::create(place.path()).unwrap();
    place.idle();
    place.write(&["d", "e"]);
    assert_eq!((place.full(), &*place.written()), (vec![], "d\ne\n"));
}

#[test]
fn a_rotation_that_fails_loses_no_line() {
    let mut place = Place::new(|it| it.rotate_bytes = Some(2));
    place.write(&["a"]);
    let moved = place.folder.path().join("moved");
    fs::rename(place.path(), &moved).unwrap();
    place.write(&["b", "c"]);
    assert_eq!(fs::read_to_string(moved).unwrap(), "a\nb\nc\n");
    assert_eq!(
        (place.port.state().errors, place.port.state().renewed),
        (1, 0)
    );
}

#[test]
fn an_old_file_that_can_not_be_removed_holds_up_nothing() {
    let mut place = Place::new(|it| (it.rotate_bytes, it.keep) = (Some(2), Some(1)));
    let stubborn = place.folder.path().join("d-20200101T000000Z.jsonl");
    fs::create_dir(&stubborn).unwrap();
    place.write(&["a", "b", "c"]);
    fs::remove_dir(stubborn).unwrap();
    assert_eq!((&*place.full()[0].1, place.full().len()), ("b\n", 1));
    assert_eq!(place.written(), "c\n");
    assert_eq!(
        (place.port.state().errors, place.port.state().renewed),
        (2, 2)
    );
}

#[test]
fn the_beginning_of_a_line_that_a_crash_left_is_taken_away() {
    for torn in [
        "{",
        "{\"ty",
        "{\"type\":",
        "{\"type\":\"consultation\",\"vers",
    ] {
        for whole in ["", "{\"type\":\"ended\"}\n"] {
            let mut place = Place::new(|_| {});
            fs::write(place.path(), format!("{whole}{torn}")).unwrap();
            place.write(&["next"]);
            assert_eq!(place.written(), format!("{whole}next\n"), "{torn}");
        }
    }
}

#[test]
fn what_was_no_beginning_of_a_line_stays_and_is_ended() {
    let mut place = Place::new(|_| {});
    fs::write(place.path(), "one\nnotes of somebody").unwrap();
    place.write(&["next"]);
    assert_eq!(place.written(), "one\nnotes of somebody\nnext\n");
}

#[test]
fn two_do_not_write_to_one_file() {
    let mut place = Place::new(|_| {});
    place.write(&["a"]);
    let second = files(place.files.settings.clone());
    let first = std::mem::replace(&mut place.files, second);
    let (left, why) = place.try_write(&["b"]).unwrap_err();
    assert_eq!(left, ["b"]);
    let path = place.path();
    assert_eq!(
        why,
        format!("{}: another process writes to it", path.display())
    );
    drop(first);
    place.write(&["b"]);
    assert_eq!(place.written(), "a\nb\n");
}

#[test]
fn what_is_no_file_is_refused_and_left_alone() {
    let mut place = Place::new(|it| it.rotate_bytes = Some(2));
    fs::create_dir(place.path()).unwrap();
    let (left, why) = place.try_write(&["a"]).unwrap_err();
    assert_eq!(left, ["a"]);
    assert_eq!(
        why,
        format!("{}: is no regular file", place.path().display())
    );
    let mut place = Place::new(|it| it.path = PathBuf::from("/dev/full"));
    let (_, why) = place.try_write(&["a"]).unwrap_err();
    assert_eq!(why, "/dev/full: is no regular file");
}

#[test]
fn lines_stay_until_there_is_a_folder_for_them() {
    let mut place = Place::new(|it| it.path = it.path.with_file_name("sub").join("d.jsonl"));
    let (left, why) = place.try_write(&["a", "b"]).unwrap_err();
    assert_eq!(left, ["a", "b"]);
    assert!(why.contains("sub/d.jsonl: No such file"), "{why}");
    fs::create_dir(place.path().parent().unwrap()).unwrap();
    place.write(&["a", "b"]);
    assert_eq!(place.written(), "a\nb\n");
}
