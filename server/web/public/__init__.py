"""For everybody: the first page, the guides of procedures, life events, open data. The same bytes for all."""
