#!/usr/bin/env python
"""Entry point of every management command."""

import os
import sys
from pathlib import Path


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError:
        print("Django is not installed here: use .venv/bin/python manage.py, made by bin/start.", file=sys.stderr)
        return 1
    from common import commandline

    return commandline.run(Path(__file__).resolve().parent, sys.argv, execute_from_command_line)


if __name__ == "__main__":
    sys.exit(main())
