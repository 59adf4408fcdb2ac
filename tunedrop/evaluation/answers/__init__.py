"""What an answer says apart from its form: its content, its code, its order, and its single parts."""
