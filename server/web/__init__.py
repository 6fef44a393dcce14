"""The pages: what people see, and the guard every request passes."""
