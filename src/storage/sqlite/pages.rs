//! Records in the order of their locators, one bounded page after the other, for exports that walk a whole vault.
//!
//! For `vault`, through `Store::read`. A page scans at most its limit of rows, whatever is kept of them (I10).

use super::reader::Reader;
use super::rows as columns;
use crate::domain::record::{RecordHead, RowSeal};
use crate::domain::{FieldNo, RecordId};
use crate::storage::errors::ReadError;
use rusqlite::params;

/// Longest page.
const LONGEST: usize = 1_000;

impl Reader<'_> {
    /// Heads of all records after `after`, ascending, at most `limit` (and 1 000), each with its fields present.
    pub fn records_after(
        &mut self,
        after: Option<RecordId>,
        limit: usize,
    ) -> Result<Vec<(RecordHead, RowSeal, Vec<FieldNo>)>, ReadError> {
        let mut statement = self.conn.prepare_cached(
            "SELECT locator, subject, collection, version, head_version, status, created_us, expires_us, generations, seal, \
             sealed FROM records WHERE locator > ?1 ORDER BY locator LIMIT ?2",
        )?;
        let above = after.map_or(i64::MIN, |r| r.0.to_i64());
        let most = i64::try_from(limit.min(LONGEST)).unwrap_or(0);
        let mut rows = statement.query(params![above, most])?;
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            let (head, seal) = columns::head(row)?;
            let fields = columns::directory(columns::blob(row.get_ref(10)?)?)?;
            out.push((head, seal, fields));
        }
        Ok(out)
    }
}
