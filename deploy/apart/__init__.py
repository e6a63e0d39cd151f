"""Every service as a process of its own on this machine: a database, a login and a Kafka account each, one gateway."""
