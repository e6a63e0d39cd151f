"""Guards over the source itself: each is a function of a root folder, and each is shown a violation it must catch."""
