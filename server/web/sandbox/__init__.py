"""What stands in for others where people try the system out: mailbox, card, payment provider, gallery of fields."""
