"""The console of whoever records: farms, co-operatives, packers, carriers, shops."""
