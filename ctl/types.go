package ctl

import (
	"time"

	"dnsbld/listing"
	"dnsbld/listing/removal"
	"dnsbld/listing/report"
	"dnsbld/listing/sensor"
	"dnsbld/listing/sighting"
)

// Outcome is what a command did, or with DryRun would do.
type Outcome struct {
	Changed   bool             `json:"changed"`
	Repeated  bool             `json:"repeated,omitempty"` // decided earlier under the same key: this is what was decided then
	DryRun    bool             `json:"dry_run,omitempty"`
	Revision  listing.Revision `json:"revision"`
	Entries   []report.Row     `json:"entries,omitempty"` // that the command named: as they stand, or stood when they ended
	Changes   []report.Event   `json:"changes,omitempty"`
	More      int              `json:"more,omitempty"`   // changes that are not shown, or entries if nothing changed
	Addresses float64          `json:"addresses"`        // in the prefixes of the changed entries
	Inside    *report.Inside   `json:"inside,omitempty"` // of a dry run

	// EffectiveBy is when the last resolver asks again: the time of the answer
	// plus the longest TTL that a zone gives what stood before. It is zero
	// where no zone is answered, and for a dry run.
	EffectiveBy time.Time `json:"effective_by,omitzero"`
	Warnings    []string  `json:"warnings,omitempty"`

	// StillListed are the entries by which DNS still lists what a command was to free.
	StillListed []report.StillListed `json:"still_listed,omitempty"`
}

// Summary is the outcome itself, also of the types that have one in them.
func (o Outcome) Summary() Outcome { return o }

// Show leaves out what comes after the first changes, and entries; 0 leaves out nothing.
func (o *Outcome) Show(most int) {
	if most <= 0 {
		return
	}
	all := len(o.Changes)
	if all == 0 {
		all = len(o.Entries)
	}
	o.More = max(0, all-most)
	o.Changes, o.Entries = o.Changes[:min(most, len(o.Changes))], o.Entries[:min(most, len(o.Entries))]
}

// Warn adds a sentence, once.
func (o *Outcome) Warn(sentence string) {
	for _, w := range o.Warnings {
		if w == sentence {
			return
		}
	}
	o.Warnings = append(o.Warnings, sentence)
}

// Import is a file to be imported, the file itself apart.
type Import struct {
	listing.Import `query:"command"`
	Format         string            `query:"format"`    // as package feed knows it; empty: plain
	Reason         string            `query:"reason"`    // of lines that name none
	Map            map[string]string `query:"map"`       // what the file calls reasons, to ours
	Column         string            `query:"column"`    // of the addresses, by name or number; empty: one of the usual names
	MinLines       int               `query:"min-lines"` // refuse a file with fewer good lines
	SkipBad        bool              `query:"skip-bad"`  // leave out lines that cannot be read, instead of refusing the file
}

// BadLine is a line of a file that cannot be imported.
type BadLine struct {
	Line    int    `json:"line"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// Imported is what an import did, or with DryRun would do.
type Imported struct {
	Outcome
	Source   string    `json:"source"`
	Lines    int       `json:"lines"` // good ones
	Added    int       `json:"added"`
	Removed  int       `json:"removed"`
	Altered  int       `json:"altered"`
	Kept     int       `json:"kept"`
	Skipped  int       `json:"skipped"` // lines that name addresses which are never listed
	Over     int       `json:"over"`    // lines whose own end has come
	Bad      int       `json:"bad"`
	BadLines []BadLine `json:"bad_lines,omitempty"` // the first ones

	Preview *report.Preview `json:"preview,omitempty"` // of a dry run
}

// DropSource ends a source.
type DropSource struct {
	Name string `path:"name" json:"-"`
	Note string `json:"note,omitempty"`
	listing.Options
}

// Undo asks to take back what a revision did.
type Undo struct {
	Revision listing.Revision `json:"revision"`
	Note     string           `json:"note,omitempty"`
	listing.Options
}

// Propose asks for a command to be kept until another person approves it: one
// of Add, Delist, Expire and Permit.
type Propose struct {
	Add    *listing.Add    `json:"add,omitempty"`
	Delist *listing.Delist `json:"delist,omitempty"`
	Expire *listing.Expire `json:"expire,omitempty"`
	Permit *listing.Permit `json:"allow,omitempty"`
	Note   string          `json:"note,omitempty"`
}

// Proposed is a proposal, and what was done about it.
type Proposed struct {
	Proposal listing.Proposal `json:"proposal"`
	Outcome
}

// Decide approves a proposal, or withdraws it.
type Decide struct {
	ID string `path:"id" json:"-"`
	listing.Options
}

// Export asks for entries as a file.
type Export struct {
	report.Query
	Format string `query:"format"` // as package feed knows it
	Zone   string `query:"zone"`   // what that zone answers; empty: every entry

	Answered bool `query:"answered"` // leave out what an allow entry hides, which formats csv and ndjson else mark
}

// At asks how a prefix stood at an instant.
type At struct {
	Subject listing.Subject `query:"prefix"`
	Time    time.Time       `query:"at"`
}

// Watch asks for changes as they come, or with Once for those that there are.
type Watch struct {
	After *listing.Revision `query:"after"` // nil: from the filter's Since, if it is given, else from now on
	Once  bool              `query:"once"`  // end at what is the newest revision now
	report.Filter
}

func (w Watch) endless() bool { return !w.Once }

// Watched is a change of the list, as a stream of them shows it. A reader that
// goes on later does so after the last revision of which it has the last change.
type Watched struct {
	report.Event
	Last bool `json:"last,omitempty"` // of its revision
}

// Status is how the daemon is.
type Status struct {
	Version  string           `json:"version"`
	Started  time.Time        `json:"started,omitzero"`
	Uptime   string           `json:"uptime"` // "3d4h", whole seconds
	User     string           `json:"user"`   // who asks, as changes would name him
	Role     string           `json:"role"`   // that he has here
	Revision listing.Revision `json:"revision"`
	Served   listing.Revision `json:"served"` // what answers are given from
	Store    listing.Status   `json:"store"`
	Zones    []report.Zone    `json:"zones"`

	Listeners map[string][]string `json:"listeners,omitempty"` // what is answered where: dns, control, pages, metrics, policy, collector
	Reload    *Reload             `json:"reload,omitempty"`
	Parts     map[string]string   `json:"parts,omitempty"` // "ok", or "off: " and why
	Sources   []listing.Source    `json:"sources"`         // in force
	Tickets   *TicketCount        `json:"tickets,omitempty"`
	Backup    *BackedUp           `json:"backup,omitempty"` // the last; nil: none is known

	HiddenByAllow int               `json:"hidden_by_allow"`  // entries that would be answered, were it not for allow entries
	Hidden        []report.HiddenBy `json:"hidden,omitempty"` // by which

	Asked *Asked `json:"asked,omitempty"` // since when queries are counted, without numbers; nil: they are not

	Sensor  *SensorStatus     `json:"sensor,omitempty"`
	Breaker *sighting.Breaker `json:"breaker,omitempty"` // of automatic listing

	SourceRemovals []removal.SourceRemovals `json:"source_removals,omitempty"` // by senders, today

	Mail *removal.Post `json:"mail,omitempty"` // to those who asked on the page; nil: none is sent
}

// TicketCount is how many tickets wait for us, and for their senders.
type TicketCount struct {
	Open   int       `json:"open"`
	Asked  int       `json:"asked"`
	Oldest time.Time `json:"oldest,omitzero"` // since when the longest open one has been
}

// BackedUp is a backup that was sent whole.
type BackedUp struct {
	At       time.Time        `json:"at"`
	Revision listing.Revision `json:"revision"`
}

// Reload is what became of reading the configuration last, at the start or at a
// signal.
type Reload struct {
	OK    bool      `json:"ok"`
	At    time.Time `json:"at"`
	Error string    `json:"error"` // why it is not in force; empty: it is
}

// SensorStatus is how the sensor is.
type SensorStatus struct {
	Receiver  string   `json:"receiver"` // of the policy service
	Policy    []string `json:"policy"`   // where it answers
	Enforce   bool     `json:"enforce"`
	Resolver  string   `json:"resolver,omitempty"`
	Today     uint64   `json:"sessions_today"`      // counted since midnight UTC, or the start if that was later
	Service   any      `json:"service,omitempty"`   // counters of the policy service, sent as JSON
	Collect   string   `json:"collect,omitempty"`   // where sessions of other machines are taken
	Collector any      `json:"collector,omitempty"` // counters of that, sent as JSON
	Our       any      `json:"our,omitempty"`       // the receiving side as it is configured, sent as JSON
	// Services say whether the services of a Postfix log, by syslog_name, are for port 25 or for submission.
	Services map[string]string `json:"services,omitempty"`
	sensor.Status
}

// Count is a number of entries in force.
type Count struct {
	Name      string `json:"name"`
	Entries   int    `json:"entries"`
	Published bool   `json:"published,omitempty"` // of a reason
}

// Stats are numbers about the list, and about DNS as the daemon counts it.
type Stats struct {
	Revision listing.Revision `json:"revision"`
	Entries  int              `json:"entries"`    // in force, exceptions not counted
	Excepts  int              `json:"exceptions"` // in force
	Allows   int              `json:"allow"`      // in force
	Expiring int              `json:"expiring"`   // of the entries, within a day
	Reasons  []Count          `json:"reasons"`    // strongest first, those that have entries
	Sources  []Count          `json:"sources"`    // "" is this list itself
	Networks []Count          `json:"networks"`   // /16, of IPv6 /32, with the most entries
	Answered Answered         `json:"answered"`
	Index    Index            `json:"index"`
	Asked    *Asked           `json:"asked,omitempty"` // nil: queries are not counted here
	DNS      any              `json:"dns,omitempty"`
}

// Asked is how often what is listed was asked for. Of a busy server the numbers are
// estimates: right together, about right for each listing.
type Asked struct {
	Since  time.Time  `json:"since"`           // counting began
	Forgot time.Time  `json:"forgot,omitzero"` // whoever has no number may have been asked for up to then
	Top    []AskedFor `json:"top,omitempty"`   // asked for most, the first of them first
	Sums   []AskedSum `json:"sums,omitempty"`  // since the start, by zone and reason
}

// AskedFor is how often one listing was asked for.
type AskedFor struct {
	Subject listing.Subject `json:"prefix"`
	Reason  string          `json:"reason"`
	Code    listing.Reason  `json:"code"`
	Hits    uint64          `json:"hits"`
	LastHit time.Time       `json:"last_hit"`
}

// AskedSum is how often one zone answered one reason.
type AskedSum struct {
	Zone   string `json:"zone"`
	Reason string `json:"reason"`
	Hits   uint64 `json:"hits"`
}

// Answered is what DNS answers as listed now: each host and each prefix once, however
// many entries it has, and without what is excepted, hidden or in no zone.
type Answered struct {
	Hosts    int `json:"hosts"`
	Prefixes int `json:"prefixes"`
}

// Index is how much the served view holds, entries that have just ended
// included.
type Index struct {
	Hosts      int   `json:"hosts"`
	Prefixes   int   `json:"prefixes"`
	Exceptions int   `json:"exceptions"`
	Bytes      int64 `json:"bytes"` // of memory, estimated
}

// Restore asks to make a backup the list at a path, where no dnsbld runs.
type Restore struct {
	Backup string `json:"backup"` // file
	To     string `json:"to"`     // file
}

// Restored is what a restore did.
type Restored struct {
	Backup   listing.Checkpoint `json:"backup"`          // what the backup held
	Revision listing.Revision   `json:"revision"`        // the newest now: behind all that was served
	Aside    string             `json:"aside,omitempty"` // where the list lies that was there
}

// Rebuild asks to make a list again from its log, where no dnsbld runs.
type Rebuild struct {
	List   string `json:"list"`             // file
	Backup string `json:"backup,omitempty"` // file to begin with; empty: the whole log is replayed
}

// Rebuilt is what a rebuild did.
type Rebuilt struct {
	Backup   *listing.Checkpoint `json:"backup,omitempty"` // what it began with
	Records  int                 `json:"records"`          // of the log that were replayed
	Revision listing.Revision    `json:"revision"`         // the newest now: behind all that was served
	Aside    string              `json:"aside"`            // where the list lies that was there

	// LeftOut is the first of what stood beside the log and could not be read:
	// evidence, or the answer to a request that changed nothing.
	LeftOut string `json:"left_out,omitempty"`
}

// Audit asks for the audit chain to be verified.
type Audit struct {
	From listing.Checkpoint `query:"from"` // where it begins; zero: with the first record
	Full bool               `query:"full"` // prove also that the list is what its log makes of it
}

// Compacted is what a compaction did.
type Compacted struct {
	Before    int64            `json:"bytes_before"`        // size of the file
	Bytes     int64            `json:"bytes"`               // its size now
	Forgotten listing.Revision `json:"forgotten,omitempty"` // up to it changes are no longer kept
	Held      float64          `json:"held_ms"`             // for how long writers were held back
}

// CompactedOf makes one.
func CompactedOf(before, after int64, forgotten listing.Revision, held time.Duration) Compacted {
	return Compacted{before, after, forgotten, float64(held.Microseconds()) / 1000}
}
