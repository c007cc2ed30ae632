"""Every pair within the thresholds, exactly; nearest neighbours."""
