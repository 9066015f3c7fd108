//! shikaku-core
