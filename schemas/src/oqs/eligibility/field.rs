//! How a group of text elements becomes a struct: one line per element, its name beside its field.

use std::borrow::Cow;

/// The text of an element as received; blank is `None`.
pub type Text<'t> = Option<Cow<'t, str>>;

/// Place of `name` in `names`: the bit that tells whether it was seen.
pub(super) const fn bit_of(names: &[&[u8]], name: &[u8]) -> u32 {
    let mut place = 0;
    while place < names.len() {
        if same(names[place], name) {
            return place as u32;
        }
        place += 1;
    }
    panic!("every name is in the list of its group")
}

const fn same(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let mut at = 0;
    while at < left.len() {
        if left[at] != right[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// A struct of text elements. Several names of one field are spellings of it.
///
/// `by_name` gives the field of an element name with a bit of its own for each spelling: matching on bytes
/// compiles to a decision tree, and nothing is allocated for a name.
macro_rules! fields {
    (
        $(#[$doc:meta])* $name:ident {
            $($(#[$fdoc:meta])* $field:ident: $($element:literal)|+,)+
            $(; $($(#[$cdoc:meta])* $child:ident: $ctype:ty,)+)?
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct $name<'t> {
            $($(#[$fdoc])* pub $field: $crate::oqs::eligibility::Text<'t>,)+
            $($($(#[$cdoc])* pub $child: $ctype,)+)?
        }

        impl<'t> $name<'t> {
            /// Every element name that is one of its text fields.
            pub const NAMES: &'static [&'static [u8]] = &[$($($element),+),+];

            /// What its text fields hold, under the first spelling of each.
            pub fn texts(&self) -> impl Iterator<Item = (&'static [u8], &str)> {
                let all = [$(([$(&$element[..]),+][0], self.$field.as_deref())),+];
                all.into_iter().filter_map(|(name, text)| Some((name, text?)))
            }

            pub(super) fn by_name(
                &mut self,
                name: &[u8],
            ) -> Option<(u32, &mut $crate::oqs::eligibility::Text<'t>)> {
                match name {
                    $($($element => {
                        const BIT: u32 = super::field::bit_of($name::NAMES, $element);
                        Some((BIT, &mut self.$field))
                    })+)+
                    _ => None,
                }
            }
        }
    };
}

pub(super) use fields;
