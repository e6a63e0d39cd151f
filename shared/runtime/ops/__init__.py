"""`/api/ops`: what operators see and do, service by service, so that it is the same where each is its own process."""
