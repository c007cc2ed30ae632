"""How far the four answers can be trusted: simulations of known truth, and the page that they make (docs/trust.md)."""
