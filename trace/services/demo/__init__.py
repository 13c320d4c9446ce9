"""The demo world: one seeded simulator for the demonstration, for tests and for benchmarks.

`world` is pure and tells what happens; `load` writes it through the one way in.
"""
