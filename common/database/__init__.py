"""Django's PostgreSQL backend that knows whether anything was stored since `begin`; the ENGINE of the settings."""
