"""The command line: `flask --app wsgi trace …`."""
