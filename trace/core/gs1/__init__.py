"""GS1 identifiers: keys and check digits, application identifiers, Digital Link, our own codes."""
