package delist

import (
	"net/netip"

	"dnsbld/listing/removal"
)

// The nouns of the desk, under the names that this package decides by.
type (
	State     = removal.State
	Ticket    = removal.Ticket
	Note      = removal.Note
	Step      = removal.Step
	Code      = removal.Code
	Decision  = removal.Decision
	Outcome   = removal.Outcome
	ProofKind = removal.ProofKind
	Reference = removal.Reference
	Claim     = removal.Claim
	ClaimKind = removal.ClaimKind
	Finding   = removal.Finding
	Contact   = removal.Contact
)

// Their values.
const (
	New        = removal.New
	NeedInfo   = removal.NeedInfo
	NeedProof  = removal.NeedProof
	Eligible   = removal.Eligible
	Delisted   = removal.Delisted
	Monitoring = removal.Monitoring
	Closed     = removal.Closed
	Denied     = removal.Denied
	Appealed   = removal.Appealed
	Upheld     = removal.Upheld
	Overturned = removal.Overturned
	TicketKind = removal.TicketKind
	LoopHeader = removal.LoopHeader
	Watch      = removal.Watch

	NotListed      = removal.NotListed
	RateLimit      = removal.RateLimit
	Network        = removal.Network
	ManualHold     = removal.ManualHold
	Identity       = removal.Identity
	StillOffending = removal.StillOffending
	MixedTraffic   = removal.MixedTraffic
	RepeatLockout  = removal.RepeatLockout
	ExpiresSoon    = removal.ExpiresSoon
	NoProof        = removal.NoProof
	OKSupport      = removal.OKSupport
	OKSelf         = removal.OKSelf

	Stands    = removal.Stands
	Removed   = removal.Removed
	Withdrawn = removal.Withdrawn

	ProofMail     = removal.ProofMail
	ProofSessions = removal.ProofSessions
	ProofTXT      = removal.ProofTXT
	ProofWeb      = removal.ProofWeb
	ProofName     = removal.ProofName

	ClaimReceived = removal.ClaimReceived
	ClaimBounce   = removal.ClaimBounce
	ClaimLog      = removal.ClaimLog
	ClaimBanner   = removal.ClaimBanner
	ClaimRDNS     = removal.ClaimRDNS
	ClaimRcpt     = removal.ClaimRcpt
	ClaimTelnet   = removal.ClaimTelnet
)

// Codes are all decisions, in the order in which they are tried.
func Codes() []Code { return removal.Codes() }

// NewID is a random identifier.
func NewID(letter byte) string { return removal.NewID(letter) }

// Open makes a ticket for an address.
func Open(id string, a netip.Addr, by Step) (Ticket, error) { return removal.Open(id, a, by) }
