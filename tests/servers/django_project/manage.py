"""A Django project that is read by tests; `shop.good` and `shop.bad` are its two states."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.good")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
