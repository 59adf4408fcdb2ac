"""Commands about this machine and account: doctor, the local stage."""
