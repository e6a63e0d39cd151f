"""Library (made up): decides that a dead reader's cards are cancelled, once the death is established."""
