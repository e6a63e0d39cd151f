"""What applicants are told, how, and in which words: a message never says what an application is about."""
