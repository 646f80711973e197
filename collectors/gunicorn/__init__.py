"""gunicorn: its configuration, and the master and workers that really run."""

from compliance.collectors.gunicorn.collector import Gunicorn
from compliance.collectors.gunicorn.settings import GunicornSettings

__all__ = ["Gunicorn", "GunicornSettings"]
