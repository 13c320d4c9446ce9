"""What is signed and logged: event and statement, log entries, chains, receipts, bundles."""
