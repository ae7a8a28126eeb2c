"""缴费证明 as a document: its fonts, its page, its link, and the desk a dialog talks to."""
