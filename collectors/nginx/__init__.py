"""nginx as configured: sites, upstreams, caching, the web application firewall, and whether it runs."""

from compliance.collectors.nginx.collector import Nginx, NginxSettings

__all__ = ["Nginx", "NginxSettings"]
