//! Who may see what: objects, fields, logins, timing, the log's completeness, hostile strings.
