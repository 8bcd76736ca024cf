"""Examples of adapters, to be copied and changed: the app itself runs none of them."""
