"""For the staff themselves: signing in, accounts, what two people decide, the machines of the town hall."""
