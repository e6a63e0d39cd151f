"""Papers (文书): which follow from what happened, what stands in them, who is shown what, how they are delivered.

A template says a paper's kind, title and the order of its parts, and holds no law: law, limits, organ, seal and remedy
come from the matter and its authority, the rest from the case.
"""
