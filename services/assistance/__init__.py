"""Social assistance: relief in an emergency, the end of a dead person's own benefits, a household counted anew."""
