"""The only SQL of the product: connections, transactions, statements, migrations."""
