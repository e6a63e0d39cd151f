"""Files that people hand in: what may be taken in, how it rests (sealed, in a store), and who looks for viruses."""
