//! The rivals of `make bench`, each under the same load. One row of JSON on stdout per call.
//!
//! `postgres-es URL CALLERS SECONDS` · `sqlite-es FILE CALLERS SECONDS` · `unnest URL BATCH SECONDS` ·
//! `umadb URL CALLERS SECONDS` · `parse FILE SECONDS`

mod aggregate;
mod es;
mod load;
mod parse;
mod umadb;
mod unnest;

use anyhow::{Context, Result, bail};

#[tokio::main]
async fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let word = |at: usize| words.get(at).map(String::as_str).context("see the crate's first lines for the arguments");
    let number = |at: usize| -> Result<u64> { Ok(word(at)?.parse()?) };
    let row = match word(0)? {
        "postgres-es" => es::postgres(word(1)?, number(2)?, number(3)?).await?,
        "sqlite-es" => es::sqlite(word(1)?, number(2)?, number(3)?).await?,
        "unnest" => unnest::run(word(1)?, number(2)?, number(3)?).await?,
        "umadb" => umadb::run(word(1)?, number(2)?, number(3)?).await?,
        "parse" => parse::run(word(1)?, number(2)?)?,
        other => bail!("no rival is called {other}"),
    };
    println!("{row}");
    Ok(())
}
