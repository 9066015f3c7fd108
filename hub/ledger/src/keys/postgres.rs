//! The key store in a Postgres database of its own.

use std::str::FromStr as _;

use shikaku_schemas::value::RecordId;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool};
use sqlx::{AssertSqlSafe, Connection as _};
use uuid::Uuid;

use super::{PersistError, StoredKey, Wrapped};
use crate::LedgerError;
use crate::store::postgres::{migrate, pool, prove_durable};

const MIGRATIONS: &[&str] = &[include_str!("../../migrations/keys-postgres-1.sql")];
/// SQLSTATE: the database does not exist.
const NO_DATABASE: &str = "3D000";
/// SQLSTATE: somebody else created it just now, or is doing so.
const DUPLICATE_DATABASE: &str = "42P04";
const DUPLICATE_ROW: &str = "23505";

const READERS: u32 = 4;

#[derive(Debug)]
pub(super) struct KeyTables {
    pool: PgPool,
}

impl KeyTables {
    pub(super) async fn open(url: &str, read_only: bool) -> Result<Self, LedgerError> {
        let options = PgConnectOptions::from_str(url)?.application_name("shikaku-keys");
        let mut connection = match PgConnection::connect_with(&options).await {
            Err(error) if is_code(&error, NO_DATABASE) && read_only => {
                return Err(LedgerError::Missing);
            }
            Err(error) if is_code(&error, NO_DATABASE) => {
                create_database(&options).await?;
                PgConnection::connect_with(&options).await?
            }
            other => other?,
        };
        prove_durable(&mut connection).await?;
        migrate(&mut connection, "key store", MIGRATIONS, read_only).await?;
        connection.close().await?;
        let pool = pool(options, READERS);
        Ok(Self { pool })
    }

    pub(super) async fn group_check(
        &self,
        ours: &[u8],
        read_only: bool,
    ) -> Result<Option<Vec<u8>>, LedgerError> {
        if !read_only {
            sqlx::query("INSERT INTO group_check (sealed) VALUES ($1) ON CONFLICT DO NOTHING")
                .bind(ours)
                .execute(&self.pool)
                .await?;
        }
        let stored = sqlx::query_scalar("SELECT sealed FROM group_check");
        Ok(stored.fetch_optional(&self.pool).await?)
    }

    pub(super) async fn read(&self, owners: &[String]) -> Result<Vec<StoredKey>, LedgerError> {
        let rows: Vec<(String, Option<Vec<u8>>, Option<Uuid>)> = sqlx::query_as(
            "SELECT owner, wrapped, about FROM keys WHERE owner = ANY($1)
             UNION ALL SELECT owner, NULL, NULL FROM erased WHERE owner = ANY($1)",
        )
        .bind(owners)
        .fetch_all(&self.pool)
        .await?;
        let typed =
            |(owner, wrapped, about): (_, _, Option<Uuid>)| (owner, wrapped, about.map(RecordId));
        Ok(rows.into_iter().map(typed).collect())
    }

    pub(super) async fn persist(
        &self,
        rows: &[Wrapped],
        about: &[(String, RecordId)],
    ) -> Result<(), PersistError> {
        let owners: Vec<&str> = rows.iter().map(|row| row.owner.as_str()).collect();
        let wrapped: Vec<&[u8]> = rows.iter().map(|row| row.wrapped.as_slice()).collect();
        let records: Vec<Option<Uuid>> = rows.iter().map(|row| row.about.map(|id| id.0)).collect();
        let (known, of): (Vec<&str>, Vec<Uuid>) = about
            .iter()
            .map(|(owner, id)| (owner.as_str(), id.0))
            .unzip();
        // One statement, one transaction. When any of the owners was erased nothing is made at all.
        let made = sqlx::query(
            "WITH new AS (
               SELECT * FROM unnest($1::text[], $2::bytea[], $3::uuid[]) AS n(owner, wrapped, about)
             ), linked AS (
               UPDATE keys SET about = l.record
               FROM unnest($4::text[], $5::uuid[]) AS l(owner, record) WHERE keys.owner = l.owner
             )
             INSERT INTO keys (owner, wrapped, about)
             SELECT owner, wrapped, about FROM new
             WHERE NOT EXISTS (SELECT 1 FROM erased WHERE erased.owner = ANY($1))",
        )
        .bind(&owners)
        .bind(&wrapped)
        .bind(&records)
        .bind(&known)
        .bind(&of)
        .execute(&self.pool)
        .await?;
        if made.rows_affected() == rows.len() as u64 {
            Ok(())
        } else {
            Err(PersistError::Stale)
        }
    }

    pub(super) async fn erase(
        &self,
        record: RecordId,
        owners: &[String],
    ) -> Result<(), LedgerError> {
        sqlx::query(
            "WITH gone AS (
               DELETE FROM keys WHERE owner = ANY($1) OR about = $2 RETURNING owner
             )
             INSERT INTO erased (owner) SELECT owner FROM gone UNION SELECT unnest($1)
             ON CONFLICT DO NOTHING",
        )
        .bind(owners)
        .bind(record.0)
        .execute(&self.pool)
        .await?;
        // A deleted row still lies in its page until then.
        sqlx::query("VACUUM keys").execute(&self.pool).await?;
        Ok(())
    }
}

fn is_code(error: &sqlx::Error, code: &str) -> bool {
    let database = error.as_database_error();
    database.is_some_and(|cause| cause.code().as_deref() == Some(code))
}

async fn create_database(options: &PgConnectOptions) -> Result<(), LedgerError> {
    let name = options.get_database().unwrap_or("shikaku_keys");
    let maintenance = options.clone().database("postgres");
    let mut connection = PgConnection::connect_with(&maintenance).await?;
    let statement = format!("CREATE DATABASE \"{}\"", name.replace('"', "\"\""));
    match sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(&mut connection)
        .await
    {
        Err(error) if !is_code(&error, DUPLICATE_DATABASE) && !is_code(&error, DUPLICATE_ROW) => {
            return Err(error.into());
        }
        _ => {}
    }
    connection.close().await?;
    Ok(())
}
