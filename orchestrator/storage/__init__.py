"""The database: schema, migrations, all writes, all reads. The only place that knows SQL."""
