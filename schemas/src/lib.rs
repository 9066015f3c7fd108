//! shikaku-schemas
