"""Everything that would fail after training has been paid for, checked before."""
