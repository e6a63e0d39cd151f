"""The pure rules of joint handling: state, message and time in; changes out."""
