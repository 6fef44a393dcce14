"""Repeatable measurements, run by hand: `make bench`. Read ratios of one run, not figures of two."""
