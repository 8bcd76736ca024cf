"""Training and t-SNE in processes of their own."""
