//! Start-up: proves durability and brings the tables up to date.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};

use crate::LedgerError;

/// Serialises migrations of hubs that start at once.
const MIGRATION_LOCK: i64 = 0x5348_494b_414b_5501;

/// Refuses a server whose commits would not survive a power cut.
pub(crate) async fn prove_durable(connection: &mut PgConnection) -> Result<(), LedgerError> {
    let settings: Vec<(String, String)> = sqlx::query_as(
        "SELECT name, setting FROM pg_settings
         WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') ORDER BY name",
    )
    .fetch_all(connection)
    .await?;
    for (setting, found) in settings {
        // `remote_apply` is `on` and more.
        if found != "on" && found != "remote_apply" {
            return Err(LedgerError::NotDurable {
                setting,
                found,
                required: "on",
            });
        }
    }
    Ok(())
}

/// Applies what is missing of `migrations`, all in one transaction. They only go forward.
pub(crate) async fn migrate(
    connection: &mut PgConnection,
    store: &'static str,
    migrations: &[&'static str],
    read_only: bool,
) -> Result<(), LedgerError> {
    let mut transaction = connection.begin().await?;
    if !read_only {
        sqlx::query("SELECT pg_advisory_xact_lock($1)")
            .bind(MIGRATION_LOCK)
            .execute(&mut *transaction)
            .await?;
    }
    let exists: bool = sqlx::query_scalar("SELECT to_regclass('schema_version') IS NOT NULL")
        .fetch_one(&mut *transaction)
        .await?;
    let found: i64 = if exists {
        sqlx::query_scalar("SELECT version FROM schema_version")
            .fetch_one(&mut *transaction)
            .await?
    } else {
        0
    };
    let done = crate::store::applied(store, found, migrations, read_only)?;
    for migration in &migrations[done..] {
        sqlx::raw_sql(*migration).execute(&mut *transaction).await?;
    }
    if done < migrations.len() {
        sqlx::raw_sql(AssertSqlSafe(format!(
            "CREATE TABLE IF NOT EXISTS schema_version (version bigint NOT NULL);
             DELETE FROM schema_version; INSERT INTO schema_version VALUES ({})",
            migrations.len()
        )))
        .execute(&mut *transaction)
        .await?;
    }
    transaction.commit().await?;
    Ok(())
}
