"""Files of every kind that people and attackers hand in, made by code."""
