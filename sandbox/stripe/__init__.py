"""A stand-in for Stripe's API: an account with payments, fees, disputes and payouts, under Stripe's rules."""

from sandbox.stripe.server import StripeServer, start

__all__ = ["StripeServer", "start"]
