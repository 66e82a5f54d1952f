"""Small companies made up at random, in the shapes of the sample company's raw files, to hold models and oracle against each other."""
