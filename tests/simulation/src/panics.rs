//! Panics, wherever they happen: the runtime catches those of its tasks, and who waits for them may not look.

use std::cell::RefCell;

thread_local! {
    static FIRST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Notes each panic of a thread from now on. A story runs on one thread.
pub fn watch() {
    let told = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let at = info.location().map(ToString::to_string).unwrap_or_default();
        let what = info.payload_as_str().unwrap_or("something");
        FIRST.with_borrow_mut(|first| {
            first.get_or_insert_with(|| format!("{what} ({at})"));
        });
        told(info);
    }));
}

/// The first panic of this thread since it was asked last.
pub fn first() -> Option<String> {
    FIRST.with_borrow_mut(Option::take)
}
