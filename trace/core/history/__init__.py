"""A lot's events put in order; gaps, contradictions, intervals, balances."""
