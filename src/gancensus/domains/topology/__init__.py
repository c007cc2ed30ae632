"""What shape the data has, and what a generator does to it: Mapper graphs and persistent homology."""
