//! Every stored value of a database, one by one: found, altered, put back.

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

/// A value in its row.
#[derive(Clone)]
pub(super) struct Cell {
    pub(super) table: String,
    columns: Vec<String>,
    /// How many leading columns of `key` find the row.
    key: Vec<usize>,
    row: Vec<Value>,
    at: usize,
}

impl Cell {
    /// `table.column`, and for tables that keep unlike things also which: `meta.v[boot]`, `controls.body[3]`.
    pub(super) fn name(&self) -> String {
        let plain = format!("{}.{}", self.table, self.columns[self.at]);
        match (self.table.as_str(), &self.row[0]) {
            ("meta", Value::Text(k)) => format!("{plain}[{k}]"),
            ("controls", Value::Integer(kind)) => format!("{plain}[{kind}]"),
            _ => plain,
        }
    }

    /// How many bytes there are to flip.
    pub(super) fn len(&self) -> usize {
        match &self.row[self.at] {
            Value::Null => 1,
            Value::Integer(_) | Value::Real(_) => 8,
            Value::Text(text) => text.len(),
            Value::Blob(blob) => blob.len(),
        }
    }

    /// The row with one bit of this value flipped; `None` when SQLite's own types do not allow it.
    fn flipped(&self, byte: usize, bit: u8) -> Option<Vec<Value>> {
        let mut row = self.row.clone();
        let value = match &self.row[self.at] {
            Value::Null => Value::Integer(1 << bit),
            Value::Integer(n) => Value::Integer(n ^ (1_i64 << bit << (8 * (7 - byte)))),
            Value::Blob(blob) => {
                let mut blob = blob.clone();
                blob[byte] ^= 1 << bit;
                Value::Blob(blob)
            }
            Value::Text(text) => {
                let mut bytes = text.clone().into_bytes();
                bytes[byte] ^= 1 << bit;
                Value::Text(String::from_utf8(bytes).ok()?)
            }
            Value::Real(_) => unreachable!("no table keeps fractions"),
        };
        row[self.at] = value;
        Some(row)
    }

    /// Puts the flipped row in the place of the true one; what takes it back. `None`: the database itself refuses the row.
    pub(super) fn flip(&self, db: &mut Connection, byte: usize, bit: u8) -> Option<Back> {
        let flipped = self.flipped(byte, bit)?;
        self.replace(db, "INSERT", &self.row, &flipped).ok()?;
        Some(Back { cell: self.clone(), flipped })
    }

    fn replace(
        &self,
        db: &mut Connection,
        insert: &str,
        old: &[Value],
        new: &[Value],
    ) -> rusqlite::Result<()> {
        let tx = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let found: Vec<String> =
            self.key.iter().enumerate().map(|(n, c)| format!("{} IS ?{}", self.columns[*c], n + 1)).collect();
        let delete = format!("DELETE FROM {} WHERE {}", self.table, found.join(" AND "));
        let key = self.key.iter().map(|c| old[*c].clone());
        tx.execute(&delete, params_from_iter(key))?;
        let marks: Vec<String> = (1..=self.columns.len()).map(|n| format!("?{n}")).collect();
        let insert = format!("{insert} INTO {} VALUES({})", self.table, marks.join(", "));
        tx.execute(&insert, params_from_iter(new.iter().cloned()))?;
        tx.commit()
    }
}

/// Takes a flip back.
pub(super) struct Back {
    cell: Cell,
    flipped: Vec<Value>,
}

impl Back {
    pub(super) fn put(self, db: &mut Connection) {
        let cell = &self.cell;
        // A served vault may have made the row again meanwhile; the true one is put back all the same.
        let put = cell.replace(db, "INSERT OR REPLACE", &self.flipped, &cell.row);
        put.unwrap_or_else(|e| panic!("{} cannot be put back: {e}", cell.name()));
    }
}

/// Every table of a database.
pub(super) fn tables(db: &Connection) -> Vec<String> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name";
    let mut statement = db.prepare(sql).unwrap();
    statement.query_map([], |r| r.get(0)).unwrap().map(Result::unwrap).collect()
}

/// Every value of a table.
pub(super) fn cells(db: &Connection, table: &str) -> Vec<Cell> {
    let mut statement = db.prepare("SELECT name, pk FROM pragma_table_info(?1) ORDER BY cid").unwrap();
    let facts: Vec<(String, i64)> =
        statement.query_map([table], |r| Ok((r.get(0)?, r.get(1)?))).unwrap().map(Result::unwrap).collect();
    let columns: Vec<String> = facts.iter().map(|(name, _)| name.clone()).collect();
    let key: Vec<usize> = (0..facts.len()).filter(|n| facts[*n].1 > 0).collect();
    assert!(!key.is_empty(), "{table} has no primary key");
    let mut rows = db.prepare(&format!("SELECT * FROM {table}")).unwrap();
    let mut rows = rows.query([]).unwrap();
    let mut out = Vec::new();
    while let Some(found) = rows.next().unwrap() {
        let row: Vec<Value> = (0..columns.len()).map(|n| found.get(n).unwrap()).collect();
        for at in 0..columns.len() {
            out.push(Cell {
                table: table.to_owned(),
                columns: columns.clone(),
                key: key.clone(),
                row: row.clone(),
                at,
            });
        }
    }
    out
}
