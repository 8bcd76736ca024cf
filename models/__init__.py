"""The numerics of the explorer: data, networks, likelihoods, training, evaluation.

Vocabulary, used throughout:

* **images** `x`: float32, shape (N, C, H, W), values in [0, 1].
* **codes** `z`: shape (N, Z); the posterior q(z|x) = N(`mean`, exp(`log_variance`)), diagonal.
* **distortion** D = E_q[-log p(x|z)] and **rate** R = KL(q(z|x) ‖ N(0, I)), so that
  -ELBO = D + R. Sums over pixels and latent dimensions, means over images: **nats per image**.
* Scores sample z from q(z|x); pictures use z = mean, so that nothing jitters between reruns.

Nothing here knows a screen, and importing this package imports no library.
"""
