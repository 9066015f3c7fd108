//! shikaku-domain
