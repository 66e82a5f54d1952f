"""Hostile and broken input: one table that names input and answer (table.py), and the tests that ask each case."""
