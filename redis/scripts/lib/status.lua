-- What scripts answer: see src/ledger/script-status.ts, which has the same names and explains them.
local DONE = 0
local NO_SALE = -1
local STALE_GENERATION = -2
local SALE_EXISTS = -3
local SALE_CLOSED = -4
local TOTAL_TOO_LARGE = -5
local REPEATED = -6
local SOLD_OUT = -11
local NOT_ON_SALE = -12
local LIMIT_REACHED = -13
local FEWER_LEFT = -14
local BUYER_MISSING = -15
local NO_ORDER = -21
local REFUND = -22
local ALREADY_PAID = -23
