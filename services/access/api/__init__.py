"""Routes: signing in under `/api/auth`, units and accounts under `/api/access`."""
