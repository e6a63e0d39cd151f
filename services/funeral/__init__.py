"""Funeral (殡葬惠民): decides that a cremation is established, only ever on what a funeral home reported or the
authorities' register says, and what of the home's bill the state waives (基本殡葬减免), capped line by line and settled
with the home by the month. It keeps what homes report, before or after anybody applies.
"""
