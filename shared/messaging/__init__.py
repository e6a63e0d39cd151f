"""Messages to people (短信, 语音, 信件, 村社待办): the port, and the adapters behind it."""
