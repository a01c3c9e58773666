package listing

import "time"

// Options go with every command that changes the list.
type Options struct {
	DryRun         bool      `json:"dry_run,omitempty"`
	IfRevision     *Revision `json:"if_revision,omitempty"`     // of the entry; 0: not listed
	IdempotencyKey string    `json:"idempotency_key,omitempty"` // decided once, for 30 days
	MaxChanges     int       `json:"max_changes,omitempty"`     // 0: the policy's

	// Shown is how many changes and entries the answer has at the most; 0: all.
	Shown int `json:"-" query:"shown"`

	// Propose keeps an Add, Expire, Delist or Permit until another person
	// approves it. A dry run then says what approving it now would do.
	Propose      bool   `json:"-"`
	ProposalNote string `json:"-"`
}

// command is one that can be proposed.
type command interface {
	action() string          // its name in a proposal
	options() Options        //
	with(Options) command    // the same with other options
	header() Header          // note and ticket
	may(Rules, Caller) error // refuses a caller whose role is too small
	each() []command         // the same about one subject each
	bounded() bool           // not all that it changes was named
	check(*planning) error   // refuses what no second person can make right
	plan(*planning) ([]Edit, error)
}

// Add lists a subject, extends its listing, or makes an exception of it.
type Add struct {
	Subject    Subject   `json:"prefix"`
	More       []Subject `json:"more,omitempty"` // further subjects: all of them are done, or none
	Reason     string    `json:"reason"`         // symbol or number
	Except     bool      `json:"except,omitempty"`
	For        Life      `json:"for,omitzero"`
	Until      time.Time `json:"until,omitzero"`
	HELO       string    `json:"helo,omitempty"`     // as it was seen; escaped before it is kept
	Seen       time.Time `json:"seen,omitzero"`      // when that was; zero: now
	Receiver   string    `json:"receiver,omitempty"` // the server that saw it
	Sessions   int       `json:"sessions,omitempty"` // in how many sessions
	Note       string    `json:"note,omitempty"`
	PublicNote string    `json:"public_note,omitempty"`
	Ticket     string    `json:"ticket,omitempty"`
	Force      bool      `json:"force,omitempty"`
	Options
}

func (c Add) action() string                { return "add" }
func (c Add) with(o Options) command        { c.Options = o; return c }
func (c Add) header() Header                { return note(c.Note, c.Ticket) }
func (c Add) may(r Rules, who Caller) error { return r.Roles.Require(who, Operator, "") }
func (c Add) bounded() bool                 { return false }

func (c Add) each() []command {
	return eachOf(c.Subject, c.More, func(s Subject) command { c.Subject, c.More = s, nil; return c })
}

// Expire changes when entries end: at a time, or after a while; both zero
// means now.
type Expire struct {
	Subject Subject   `json:"prefix"`
	More    []Subject `json:"more,omitempty"`   // further subjects: all of them are done, or none
	Reason  string    `json:"reason,omitempty"` // empty: every reason
	Within  bool      `json:"within,omitempty"` // also every entry inside the prefix
	At      time.Time `json:"at,omitzero"`
	In      Life      `json:"in,omitzero"`
	Note    string    `json:"note,omitempty"`
	Options
}

func (c Expire) action() string                { return "expire" }
func (c Expire) with(o Options) command        { c.Options = o; return c }
func (c Expire) header() Header                { return note(c.Note, "") }
func (c Expire) may(r Rules, who Caller) error { return r.Roles.Require(who, Operator, "") }
func (c Expire) bounded() bool                 { return c.Within }

func (c Expire) each() []command {
	return eachOf(c.Subject, c.More, func(s Subject) command { c.Subject, c.More = s, nil; return c })
}

// Delist ends entries; who, why and when are kept.
type Delist struct {
	Subject Subject      `json:"prefix"`
	More    []Subject    `json:"more,omitempty"` // further subjects: all of them are done, or none
	Reason  string       `json:"reason,omitempty"`
	Within  bool         `json:"within,omitempty"`
	Because DelistReason `json:"because"`
	Ticket  string       `json:"ticket,omitempty"`
	Note    string       `json:"note,omitempty"`
	Options

	appeal bool // another person grants it on appeal
}

func (c Delist) action() string                { return "delist" }
func (c Delist) with(o Options) command        { c.Options = o; return c }
func (c Delist) header() Header                { return note(c.Note, c.Ticket) }
func (c Delist) may(r Rules, who Caller) error { return r.mayDelist(who, c) }
func (c Delist) bounded() bool                 { return c.Within }

func (c Delist) each() []command {
	return eachOf(c.Subject, c.More, func(s Subject) command { c.Subject, c.More = s, nil; return c })
}

// Permit adds an allow entry, or with Remove takes it back.
type Permit struct {
	Subject Subject   `json:"prefix"`
	More    []Subject `json:"more,omitempty"` // further subjects: all of them are done, or none
	Remove  bool      `json:"remove,omitempty"`
	Owner   string    `json:"owner,omitempty"`
	Until   time.Time `json:"until,omitzero"`
	Note    string    `json:"note,omitempty"`
	Force   bool      `json:"force,omitempty"` // allow a range
	Options
}

func (c Permit) action() string                { return "allow" }
func (c Permit) with(o Options) command        { c.Options = o; return c }
func (c Permit) header() Header                { return note(c.Note, "") }
func (c Permit) may(r Rules, who Caller) error { return r.Roles.Require(who, Operator, "") }
func (c Permit) bounded() bool                 { return false }

func (c Permit) each() []command {
	return eachOf(c.Subject, c.More, func(s Subject) command { c.Subject, c.More = s, nil; return c })
}

func (o Options) options() Options { return o }

// eachOf is a command about each of some subjects, none twice.
func eachOf(first Subject, more []Subject, about func(Subject) command) []command {
	all, seen := []command{about(first)}, map[Subject]bool{first: true}
	for _, s := range more {
		if !seen[s] {
			seen[s] = true
			all = append(all, about(s))
		}
	}
	return all
}

// checkAll is check for each subject of a command.
func (p *planning) checkAll(c command) error {
	for _, one := range c.each() {
		if err := one.check(p); err != nil {
			return err
		}
	}
	return nil
}

// planAll is plan for all subjects of a command.
func (p *planning) planAll(c command) ([]Edit, error) {
	var edits []Edit
	for _, one := range c.each() {
		some, err := one.plan(p)
		if err != nil {
			return nil, err
		}
		edits = append(edits, some...)
	}
	return edits, nil
}

func note(note, ticket string) Header {
	return Header{Note: Text(note), Ticket: Text(ticket)}
}

// Import replaces or extends a source.
type Import struct {
	Source  string `json:"source"`
	Replace bool   `json:"replace,omitempty"`
	For     Life   `json:"for,omitzero"` // until when the source is good without a refresh; zero: 7 days
	Note    string `json:"note,omitempty"`
	Options
}

// ImportLife is how long a source is good for when nobody says.
const ImportLife = Life(7 * Day)

// Result is what a command did.
type Result struct {
	Verdict
	Proposal *Proposal // that was made or settled; nil: none
	Warnings []string  // one sentence each
	Skipped  int       // lines of an import that name addresses which are never listed
	Over     int       // lines of an import whose own end has come
}
