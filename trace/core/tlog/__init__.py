"""Transparency log: Merkle tree, tiles, proofs, notes, checkpoints (C2SP)."""
