"""The kiosk in the lobby: one question a screen, and in the end a number."""
