"""Lints of this project's own rules, run by `make lint`: the naming grammar and portable SQL."""
