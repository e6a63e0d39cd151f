"""Keys and sealing: what an installation holds, what a service may hold of it, and parts sealed for one reader."""

from shared.crypto.keyring import Keyring
from shared.crypto.sealing import Aad, Sealed, Sealer

__all__ = ["Aad", "Keyring", "Sealed", "Sealer"]
