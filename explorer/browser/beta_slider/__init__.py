"""The slider of β."""
