"""What intake decides, as functions of state, message and time: one small file an idea."""
