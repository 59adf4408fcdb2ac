"""The workflow in an interpreter of Step Functions that is not ours: `make conformance`."""
