"""What a city offers: declarations, fees, life events, and the tests that declarations bring with them.

Knows law and fees, and through `forms_schema` what is asked; knows neither HTTP nor SQL. Only `library` and
`city` read files.
"""
