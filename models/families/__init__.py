"""Networks, likelihoods and the model families; the registry builds them."""
