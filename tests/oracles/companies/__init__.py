"""Small companies made up at random, in the shapes of the sample's raw files: models and oracle have to agree on them too."""
