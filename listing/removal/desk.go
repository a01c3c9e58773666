package removal

import (
	"net/netip"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/helo"
)

// Action is what a person does to a ticket.
type Action struct {
	By        listing.Caller       `json:"-"`
	Verb      Verb                 `json:"verb"`
	Note      string               `json:"note,omitempty"`
	Code      Code                 `json:"code,omitempty"`      // for Deny
	Because   listing.DelistReason `json:"because,omitempty"`   // for Grant: what the listing ends for
	Override  bool                 `json:"override,omitempty"`  // for Grant: of an appeal, against the rules; Note says why
	Reference string               `json:"reference,omitempty"` // in another system, to be added
}

// Verb is what can be done to a ticket.
type Verb string

// The verbs.
const (
	VerbNote   Verb = "note"
	VerbAsk    Verb = "ask" // the sender for what is not known
	VerbGrant  Verb = "grant"
	VerbDeny   Verb = "deny"
	VerbAppeal Verb = "appeal"
	VerbClose  Verb = "close"
)

// Query narrows a list of tickets.
type Query struct {
	Address netip.Addr `query:"address"` // its zero value: any
	State   State      `query:"state"`   // empty: any
	All     bool       `query:"all"`     // those that are over, too
}

// Matches reports whether a ticket is one of those asked for.
func (q Query) Matches(t Ticket) bool {
	over := t.State == Closed
	return (!q.Address.IsValid() || listing.Canonical(q.Address) == t.Address) &&
		(q.State == "" || q.State == t.State) && (q.All || q.State != "" || !over)
}

// LoopHeader marks our own automatic answers; its value is the zone.
const LoopHeader = "X-DNSBL-Loop"

// Letter is a letter about an address as it stands.
type Letter struct {
	Address   netip.Addr `json:"address"`
	Decision  Decision   `json:"decision"`
	Subject   string     `json:"subject"`
	Reference string     `json:"reference"`
	Ticket    string     `json:"ticket,omitempty"`
	Letter    string     `json:"letter"`
}

// Answer is what was done about a request.
type Answer struct {
	Address     netip.Addr       `json:"address"`
	Decision    Decision         `json:"decision"`
	Ticket      string           `json:"ticket,omitempty"`
	State       State            `json:"state,omitempty"`  // of the ticket
	ReadBy      time.Time        `json:"read_by,omitzero"` // by when a person reads it as a rule, if one does and that is not past
	Follow      string           `json:"follow,omitempty"` // URL where the sender follows the ticket
	Outcome     Outcome          `json:"outcome"`
	Revision    listing.Revision `json:"revision,omitempty"`    // that ended the listing
	EffectiveBy time.Time        `json:"effective_by,omitzero"` // when the last resolver has dropped it
	Subject     string           `json:"subject,omitempty"`     // of the mail that carries the letter
	Letter      string           `json:"letter"`                // empty: none can be written, and NoLetter says why
	NoLetter    *listing.Error   `json:"-"`
	Zone        string           `json:"zone,omitempty"`       // the list, as letters name it
	Desk        string           `json:"desk,omitempty"`       // where people write to
	Repeated    bool             `json:"repeated,omitempty"`   // it was heard before: this is what was answered then
	Proof       ProofKind        `json:"proof,omitempty"`      // that came with it, or was found in DNS
	NoAnswer    string           `json:"no_answer,omitempty"`  // why no program may send the letter; empty: one may
	Mailed      bool             `json:"mailed,omitempty"`     // the desk itself has a mail sent to who left an address on the page
	NotMailed   string           `json:"not_mailed,omitempty"` // why it does not, where an address was left
	Cause       bool             `json:"-"`                    // we know what led to what was ended: if it goes on, it is listed again
	Kept        string           `json:"-"`                    // names it, and cannot be guessed; empty: it is not kept
}

// Reply is an answer together with what is said of the request itself, which is not
// kept.
type Reply struct {
	Answer
	Human     bool     `json:"human"`                 // a person has to look at it, and nothing was done
	Finding   *Finding `json:"finding,omitempty"`     // what the mail shows
	To        string   `json:"to,omitempty"`          // who asked
	InReplyTo string   `json:"in_reply_to,omitempty"` // the mail that asked
}

// Ways are how a sender can show that he controls a listed address.
type Ways struct {
	Probe string     `json:"probe,omitempty"` // a mail from the address to it is proof; empty: there is no probe address
	Text  string     `json:"txt,omitempty"`   // in TXT at the forward-confirmed name it is proof; empty: DNS is not asked
	Until time.Time  `json:"until"`           // so long they are good
	Came  *ProbeMail `json:"came,omitempty"`  // the last mail to the probe address
	Known Code       `json:"decision"`        // as things stand
}

// ProbeMail is what a mail to a probe address showed.
type ProbeMail struct {
	Time    time.Time     `json:"time"`
	HELO    string        `json:"helo"` // printable ASCII
	Code    helo.Code     `json:"code"`
	Proof   bool          `json:"proof"`             // of control
	Clean   bool          `json:"clean"`             // and of the fix
	Refused string        `json:"refused,omitempty"` // why it is no proof: "token-expired"
	Verdict helo.Strength `json:"strength"`
}

// Person is all that is kept about somebody by his mail address.
type Person struct {
	Contacts []Contact `json:"contacts"`
	Answers  []Answer  `json:"answers"`         // the letters of the last days
	Waiting  []string  `json:"mails,omitempty"` // that could not be handed over yet
}

// Post is how the mails fare that the desk itself has sent. Its counts are since the
// start.
type Post struct {
	Program string `json:"program"` // that takes them
	Waiting int    `json:"waiting"`
	Sent    uint64 `json:"sent"`
	Failed  uint64 `json:"failed"`          // tries
	GivenUp uint64 `json:"given_up"`        // after the last of them: a person has to write
	Error   string `json:"error,omitempty"` // of the last try; empty: it went well
}
