"""对账: WeChat's bill of a day against our ledger, matched in the database, and the life of what does not fit."""
