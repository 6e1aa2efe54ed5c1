"""What a stage of training is, and the parts that tasks are made of."""
