"""The counter (窓口): windows and tickets, visits and their interviews, tablets, what residents bring along."""
