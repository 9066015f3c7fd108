//! shikaku-api
