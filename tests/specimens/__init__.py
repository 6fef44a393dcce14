"""Each kind of question by example: the tests, the gallery (/_kinds) and docs/field-kinds.md all read these files."""
