//! Rules that can never match because an earlier one takes all of their requests.

use crate::modules::condition::Condition;
use crate::modules::rules::Rule;

/// The earlier rule that takes everything for which `later` is, if there is one.
pub(crate) fn find<'r>(earlier: &'r [Rule], later: &Rule) -> Option<&'r Rule> {
    earlier.iter().find(|rule| covers(rule, later))
}

fn covers(earlier: &Rule, later: &Rule) -> bool {
    let (a, b) = (&earlier.condition, &later.condition);
    covers_list(&a.methods, &b.methods, |a, b| a == b)
        && covers_list(&a.domains, &b.domains, |a, b| a == b)
        && covers_list(&a.sources, &b.sources, |a, b| a.covers(*b))
        && covers_numbers(earlier, a, b)
        && (!earlier.needs_user || later.needs_user || b.names_numbers())
}

fn covers_list<T>(a: &[T], b: &[T], covers: impl Fn(&T, &T) -> bool) -> bool {
    a.is_empty() || (!b.is_empty() && b.iter().all(|b| a.iter().any(|a| covers(a, b))))
}

fn covers_numbers(earlier: &Rule, a: &Condition, b: &Condition) -> bool {
    // With {rest}, a user that is just the prefix goes on to the next rule.
    let begins = |number: &String| {
        a.prefixes.iter().any(|prefix| {
            number.starts_with(prefix.as_str()) && !(earlier.needs_rest && number == prefix)
        })
    };
    !a.names_numbers()
        || (b.names_numbers()
            && b.users
                .iter()
                .all(|user| a.users.contains(user) || begins(user))
            && b.prefixes.iter().all(begins))
}
