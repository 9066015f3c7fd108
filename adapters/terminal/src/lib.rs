//! shikaku-terminal
