"""The command `onewindow`: running the platform, and looking at what it is made of."""
