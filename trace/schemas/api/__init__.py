"""Bodies and answers of our interface for programs. Bodies are made from the forms of the console:
the same fields, the same rules, told as JSON."""
