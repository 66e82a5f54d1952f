"""Faults: what a killed process, a full disk, a damaged file, a second run or a clock that jumps may do, and may not.

Every test here may say what it did: `figures.record("kill points", 12)` adds to the line of that name in
docs/reliability.md, which `make reliability` writes. A new figure is a line in `figures.FIGURES`, and nothing else.
"""
