"""Mail to residents: written down with the act it tells of, sent afterwards, however often it takes."""
