"""The page of the latent map."""
