"""Care for the old: who gets an age allowance, how much and from when, and what ends with a person's death."""
