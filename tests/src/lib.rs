//! shikaku-tests
