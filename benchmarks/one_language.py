"""Settings without languages: nothing is looked up. For `benchmarks/languages.py`."""

from config.settings import *  # noqa: F403
from config.settings import MIDDLEWARE as WITH_LANGUAGES

USE_I18N = False
MIDDLEWARE = [name for name in WITH_LANGUAGES if not name.endswith("LanguageOfTheReader")]
