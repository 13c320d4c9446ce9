"""Background workers: sequencer, captures, label sheets."""
