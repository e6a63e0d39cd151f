"""Access (账号与机构): decides who somebody is and in which roles they may act where. It keeps accounts, the dated tree
of units (province to village, halls, windows, partners, departments), roles held in units and by stand-ins between two
dates, and gives out short signed tokens that say so; every change of a unit is told to all services.
"""
