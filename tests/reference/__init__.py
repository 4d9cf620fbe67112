"""The slow reference: a second counting engine, written from docs/background/counting-engine.md alone."""
