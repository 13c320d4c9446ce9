"""EPCIS 2.0 and CBV 2.0: events, vocabulary, JSON-LD, rules, schema, event hash."""
