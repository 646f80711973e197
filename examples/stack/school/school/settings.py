"""The settings that serve: those of every school, then what this place has of its own, where it has anything."""

import contextlib

from school.settings_base import *

with contextlib.suppress(ModuleNotFoundError):
    from local_settings import *
