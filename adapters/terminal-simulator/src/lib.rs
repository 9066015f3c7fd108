//! shikaku-terminal-simulator
