"""Sign-up of a school, in steps that can be resumed: what everybody may do, without an account."""
