"""Rules of the funeral service: the bill and its waiver, what homes report, and the two procedures over them."""
