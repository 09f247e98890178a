"""How dates and times are written where a template names no format (settings.FORMAT_MODULE_PATH)."""
