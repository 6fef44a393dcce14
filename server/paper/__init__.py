"""Applications on paper: what a sheet says, in which letters it can be said, and its way into a PDF."""
