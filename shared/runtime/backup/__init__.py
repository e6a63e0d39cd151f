"""Backup and restore: databases, files and keys of one installation, checked before anything is put back."""
