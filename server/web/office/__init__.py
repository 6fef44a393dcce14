"""For departments: the list of their applications, and one case."""
