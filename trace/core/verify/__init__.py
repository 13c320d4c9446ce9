"""The verifier: reads bundles; the one part of core that may read files."""
