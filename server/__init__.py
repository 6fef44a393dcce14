"""The only package that knows HTTP and SQL."""
