"""Pure rules of social assistance: standards, households and hardships in, calculations out."""
