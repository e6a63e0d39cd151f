"""A fifth service, made up: one folder and one catalogue file, found through `ONEWINDOW_CATALOG`; nothing else."""
