//! shikaku-models
