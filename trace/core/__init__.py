"""The product itself, pure: no Flask, no database, no clock, no network; time is an argument."""
