"""Fees: on the way to a provider, at a window, on a telephone, and a day's accounts."""
