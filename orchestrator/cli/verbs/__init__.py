"""podlab's own everyday verbs, through the API alone: what kubectl does, for users without it."""
