"""Reports what only a running Django project knows of its own security: settings, checks, sign-on, endpoints.

Reads and prints; it changes nothing, asks no database, and never prints a secret. It runs in the project's process, so
it needs Django alone and looks at other packages only where the project has installed them.
"""

__version__ = "0.1.0"
