"""What training minimises, and the densities it is made of."""
