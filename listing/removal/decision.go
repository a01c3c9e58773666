package removal

import (
	"net/netip"
	"slices"
	"time"
)

// Code is a decision on a request to delist. Codes are promises: scripts and
// letters go by them.
type Code string

// The decisions, in the order in which they are tried.
const (
	NotListed      Code = "NOT_LISTED"
	RateLimit      Code = "RATE_LIMIT"
	Network        Code = "NETWORK"
	ManualHold     Code = "MANUAL_HOLD"
	Identity       Code = "IDENTITY"
	StillOffending Code = "STILL_OFFENDING"
	MixedTraffic   Code = "MIXED_TRAFFIC"
	RepeatLockout  Code = "REPEAT_LOCKOUT"
	ExpiresSoon    Code = "EXPIRES_SOON"
	NoProof        Code = "NO_PROOF"
	OKSupport      Code = "OK_SUPPORT"
	OKSelf         Code = "OK_SELF"
)

// Codes are all decisions, in the order in which they are tried.
func Codes() []Code {
	return []Code{NotListed, RateLimit, Network, ManualHold, Identity, StillOffending, MixedTraffic,
		RepeatLockout, ExpiresSoon, NoProof, OKSupport, OKSelf}
}

// OK reports whether the address may be delisted now.
func (c Code) OK() bool { return c == OKSupport || c == OKSelf }

// ForPerson reports whether a person can do something about a refusal with the code.
func (c Code) ForPerson() bool {
	return slices.Contains([]Code{Network, ManualHold, StillOffending, MixedTraffic, RepeatLockout}, c)
}

// Waits reports whether the code names a bar that time alone takes away.
func (c Code) Waits() bool {
	switch c {
	case RateLimit, Network, ManualHold, StillOffending, MixedTraffic, RepeatLockout:
		return true
	}
	return false
}

// Decision is what is answered to a request to delist. Its JSON form is that
// of `blctl eligibility --json`.
type Decision struct {
	Code     Code   `json:"decision"`
	Sentence string `json:"sentence"` // to the sender
	// RetryAfter is the first instant at which waiting has done all that it
	// can; nil where there is nothing to wait for. Whole seconds, UTC.
	RetryAfter  *time.Time `json:"retry_after"`
	ChangesWhen string     `json:"changes_when"` // what would change the decision
}

// Outcome is what was done about a request before the letter is written.
type Outcome string

// Outcomes.
const (
	Stands    Outcome = ""          // nothing: the decision is what there is to say
	Removed   Outcome = "delisted"  // the listing was ended
	Withdrawn Outcome = "our-error" // it was ended as our error: the letter apologises
)

// ProofKind is how a sender shows that he controls an address, or has fixed
// it.
type ProofKind string

// Kinds of proof, best first.
const (
	ProofMail     ProofKind = "mail"     // a mail from the address to helo+TOKEN@probe…: control and the fix at once
	ProofSessions ProofKind = "sessions" // clean confirmed sessions in our counters
	ProofTXT      ProofKind = "txt"      // the token in TXT at the forward-confirmed name
	ProofWeb      ProofKind = "web"      // the web request comes from the address
	ProofName     ProofKind = "name"     // the forward-confirmed name is within the requester's domain
)

// SourceRemovals is how many addresses senders took out of a source today (UTC).
// From the cap on the breaker is open, and a person decides.
type SourceRemovals struct {
	Source   string `json:"source"`
	Removals int    `json:"removals"`
	Cap      int    `json:"cap"`
	Open     bool   `json:"open"`
}

// Reference stands on a letter. From it alone `blctl letter --verify` tells
// whether the letter is ours, about which address, when it was written and
// what it decided.
type Reference struct {
	Address netip.Addr `json:"address"`
	Time    time.Time  `json:"time"` // to the minute
	Code    Code       `json:"decision"`
}
