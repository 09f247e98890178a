"""The environment, read and checked in one place. Imports no Django model, opens no connection.

Every wrong value raises `SettingError` with a sentence that names the variable; `manage.py` and `bin/start` print it
and exit with 2.
"""

from common.environment.reading import Environment, read, var_dir
from common.environment.services import database_settings
from common.environment.values import SettingError, secret

__all__ = ["Environment", "SettingError", "database_settings", "read", "secret", "var_dir"]
