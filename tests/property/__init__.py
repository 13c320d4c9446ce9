"""State machines: any order of acts, held against a model of a few lines."""
