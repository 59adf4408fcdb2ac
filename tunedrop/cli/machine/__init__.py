"""Commands about this machine and account: `doctor`, `local`."""
