#![allow(clippy::unwrap_used)]

use super::*;

fn line(number: usize, length: usize) -> String {
    format!("{number:08}{}", "x".repeat(length - 8))
}

#[test]
fn files_of_a_component_that_talks_for_ever_stay_small_and_keep_the_latest() {
    let folder = tempfile::tempdir().unwrap();
    let logs = Logs::new(Some(folder.path().to_owned()), true).unwrap();
    let count = 3 * FILE_BYTES as usize / 1_000;
    let output = logs.output("app", Source::Stderr);
    for number in 0..count {
        output.put(format!("{}\n", line(number, 1_000)).as_bytes());
        // The same file.
        if number % 100 == 0 {
            logs.host("app", "a trap");
        }
    }
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let (old, new) = (read("app_stderr.txt.1"), read("app_stderr.txt"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    assert!(old.len() as u64 <= FILE_BYTES && new.len() as u64 <= FILE_BYTES, "{} {}", old.len(), new.len());
    let both = old + new.as_str();
    let numbers: Vec<usize> =
        both.lines().filter(|line| *line != "a trap").map(|line| line.get(..8).unwrap().parse().unwrap()).collect();
    assert!(numbers.is_sorted() && numbers.last() == Some(&(count - 1)));
    assert_eq!(numbers.last().unwrap() - numbers.first().unwrap() + 1, numbers.len(), "none in between is lost");
    // The next run goes on with the same file.
    drop((output, logs));
    let logs = Logs::new(Some(folder.path().to_owned()), true).unwrap();
    logs.host("app", "again");
    assert_eq!(read("app_stderr.txt"), format!("{new}again\n"));
}

#[test]
fn lines_in_memory_are_bounded_in_number_and_in_bytes() {
    let logs = Logs::new(None, true).unwrap();
    (0..LINES_KEPT + 5).for_each(|number| logs.host("app", &line(number, 8)));
    let lines = logs.lines("app");
    assert_eq!((lines.len(), lines.first().unwrap().text.as_str()), (LINES_KEPT, "00000005"));
    (0..BYTES_KEPT / 50_000 + 5).for_each(|number| logs.host("app", &line(number, 50_000)));
    let lines = logs.lines("app");
    assert!(lines.iter().map(|line| line.text.len()).sum::<usize>() <= BYTES_KEPT);
    assert_eq!(lines.len(), BYTES_KEPT / 50_000);
}
