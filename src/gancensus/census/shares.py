"""At which shares of covered real samples populations are compared; apart, as captions name them and import no more."""

COVER, REPEAT, WIDE = 0.8, 0.92, 0.97  # coverages of `calibrate` by itself at the radii
SHARE = 0.6  # at which the numbers of samples are compared
