"""How submissions are graded. Hidden from students."""
