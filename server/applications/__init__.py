"""Drafts, submissions and what becomes of them: the use-cases that pages and GraphQL share."""
