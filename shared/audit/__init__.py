"""Audit: rows linked into a hash chain after they commit, heads signed, the whole verified; readings; exports."""
