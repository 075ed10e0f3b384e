"""What each share of traffic to the general expert buys."""
