from scripted_server import pauses, server  # noqa: F401
