"""Two populations side by side: nearest distances, fidelity, units."""
