"""Secrets and signatures: the `vault` seals what is stored, `signing_keys` sign, `attestation` makes it checkable."""
