//! 公費負担者番号 and 受給者番号, and the one check-digit rule that serves them, institution codes and
//! 保険者番号 (`oqs-interface` section 5: modulus 10, weights 2 and 1 alternating from the right).

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The check digit of `body` (digits without their check digit), or `None` when a character is no digit
/// or nothing is given.
///
/// ```
/// assert_eq!(shikaku_schemas::value::check_digit("1213701"), Some('4'));
/// ```
pub fn check_digit(body: &str) -> Option<char> {
    if body.is_empty() {
        return None;
    }
    let mut sum = 0;
    for (place, character) in body.chars().rev().enumerate() {
        let digit = character
            .to_digit(10)
            .filter(|_| character.is_ascii_digit())?;
        let product = if place % 2 == 0 { digit * 2 } else { digit };
        sum += product / 10 + product % 10;
    }
    char::from_digit((10 - sum % 10) % 10, 10)
}

/// Whether the last digit of `number` is the check digit of the rest.
pub fn passes_check_digit(number: &str) -> bool {
    let Some((at, last)) = number.char_indices().next_back() else {
        return false;
    };
    check_digit(&number[..at]) == Some(last)
}

macro_rules! checked_number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// The digits as received.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Whether the check digit holds. A wrong one from a terminal is a warning, never a refusal.
            pub fn is_well_formed(&self) -> bool {
                self.expected_length(self.0.len()) && passes_check_digit(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

checked_number!(
    /// 公費負担者番号: 8 digits, 法別 2 + 都道府県 2 + 実施機関 3 + 検証 1.
    PayerNumber
);
checked_number!(
    /// 受給者番号: 7 digits for 法別 12. A person's number inside one payer number; it changes on transfer
    /// and may be reused, so it is an attribute and never an identity.
    RecipientNumber
);

impl PayerNumber {
    fn expected_length(&self, length: usize) -> bool {
        length == 8
    }

    /// 法別番号: the first two digits.
    pub fn scheme(&self) -> Option<&str> {
        self.0.get(..2)
    }
}

impl RecipientNumber {
    fn expected_length(&self, length: usize) -> bool {
        length == 7
    }
}
