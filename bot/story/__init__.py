"""The journal of one citizen: told to an operator who is called (`story`), or written as a transcript (`record`)."""
