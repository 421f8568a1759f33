"""Why hard examples alone fail on scarce data: a teacher-student perceptron, small enough to run while one waits."""
