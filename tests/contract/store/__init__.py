"""What every store does: SQLite files and a real PostgreSQL server, held to the same."""
