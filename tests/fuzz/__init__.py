"""Every parser given what nobody would write on purpose.

`python -m tests.fuzz` runs the targets under libFuzzer (atheris), which keeps an input when it
takes a branch that none before it took; `tests/fuzz/test_fuzz.py` runs the kept ones and a few
mutations of each, without atheris. What a target is: `tests/fuzz/target.py`. What was found in how
many inputs: docs/reports/fuzz.md.
"""
