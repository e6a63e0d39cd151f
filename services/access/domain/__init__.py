"""Pure rules: units with their dates and roles, accounts and their tries to sign in, sessions."""
