"""What a model is worth, and what its code holds: functions of models and arrays."""
