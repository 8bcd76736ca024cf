"""Who may reach the server, what may be sent to it, and who its visitors are."""
