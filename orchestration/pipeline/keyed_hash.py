"""How an identifier leaves gate 1: as a hash that only the key of its home can repeat."""

from __future__ import annotations

import hashlib

HASH_LENGTH = 32  # hex digits of a keyed hash: 128 bits


def keyed_hash_sql(expression: str, key: bytes) -> str:
    """HMAC-SHA256 (RFC 2104) of the trimmed, lower-case text, in SQL; the first 128 bits as hex. NULL stays NULL."""
    block = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    inner = bytes(byte ^ 0x36 for byte in block).hex()
    outer = bytes(byte ^ 0x5C for byte in block).hex()
    message = f"encode(lower(trim(cast({expression} as varchar))))"
    return f"left(sha256(unhex('{outer}') || unhex(sha256(unhex('{inner}') || {message}))), {HASH_LENGTH})"
