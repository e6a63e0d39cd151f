"""Measurements, never guesses: `make bench` prints each figure beside the floor of the same run."""
