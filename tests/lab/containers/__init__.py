"""A real Docker engine with registries for the tests: `lab` starts it, `fixture` hands it to tests."""
