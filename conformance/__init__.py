"""The conformance kit: proves a connector against a stand-in of its system, with everything going wrong that can."""
