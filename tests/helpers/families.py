"""Settings of the smallest run of every family, on the digits."""

SETTINGS: dict[str, dict] = {
    "vae": {},
    "autoencoder": {},
    "multirate": {},
    "vq-vae": {"network": "conv", "hidden": (8,), "latent_dim": 4, "codebook": 8,
               "prior_width": 16},
    "gan": {"latent_dim": 4},
    "ddpm": {"network": "conv", "hidden": (8, 16)},
}  # fmt: skip
