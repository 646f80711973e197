"""Redis and Valkey: how one server is protected, persists, replicates and serves, and what its users may do."""

from compliance.collectors.redis.collector import Redis

__all__ = ["Redis"]
