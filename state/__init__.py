"""The database: schema, migrations, and the only code that writes SQL against it."""
