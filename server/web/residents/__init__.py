"""For residents: filling in a form, sending it, what became of it; signing in and a page of one's own."""
