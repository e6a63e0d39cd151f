"""Pure rules of care for the old: months, ages and amounts in, calculations out."""
