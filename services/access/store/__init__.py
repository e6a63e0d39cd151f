"""Accounts, assignments and wrong tries as rows; the units as a tree; secrets as hashes; the first filling."""
