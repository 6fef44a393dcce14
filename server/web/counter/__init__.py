"""The counter (書かない窓口): a visit from its first question to its sheets of paper, and the tablet beside it."""
