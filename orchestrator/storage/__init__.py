"""The database: schema, migrations, all writes and all reads. No other package contains SQL."""
