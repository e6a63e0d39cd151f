"""A new generation of a sealing key: what rests is sealed anew while the platform works, and the old key retired."""
