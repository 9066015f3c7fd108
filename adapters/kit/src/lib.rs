//! shikaku-kit
