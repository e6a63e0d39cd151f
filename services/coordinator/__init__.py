"""The coordinator: the joint handling of one application.

It executes the plan that intake made: sends every item out for its formal check at once, releases each for decision
when what it waits for is there, counts obligations (items that are not final), concludes each item once and closes
the case when all are final. It is the only publisher of outcomes, knows no service or matter by name, and opens no
sealed part.
"""
