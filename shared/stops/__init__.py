"""Benefits that a death ended, and the money that follows: the same for every service that keeps a roll."""
