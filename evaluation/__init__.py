"""How good it is: measures with intervals, methods side by side, labels that come later, the demo."""
