"""What stands between the server and Django: ids of requests, the log and figures of each, deadlines, and how many
requests of one person are at work at once. ASGI wrappers; no models, no app."""
