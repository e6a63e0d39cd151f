"""The rules, one named function each; every one reads a `History` and says what breaks its promise."""
