"""What users write: the classes they subclass, and the functions that stand for them."""
