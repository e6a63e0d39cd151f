"""Facts from sources outside: the port, the adapters behind it, and the simulator of the demonstration."""
