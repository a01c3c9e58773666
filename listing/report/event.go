package report

import (
	"time"

	"dnsbld/listing"
)

// Words for what an Event did.
const (
	Listed     = "listed"
	Excepted   = "excepted"   // taken out of wider entries of the reason
	Extended   = "extended"   // ends later
	Shortened  = "shortened"  // ends sooner
	Described  = "described"  // note, ticket or evidence alone
	Delisted   = "delisted"   // ended before its time
	Expired    = "expired"    // ended because its time had come
	Allowed    = "allowed"    // an allow entry was made or changed
	Disallowed = "disallowed" // it was taken back
	Refreshed  = "refreshed"  // a source was imported
	Swept      = "swept"      // entries of a source ended before it
	Dropped    = "dropped"    // a source ended, and its entries with it
	Configured = "configured" // the configuration changed
	Noted      = "noted"      // a proposal or a ticket was written
)

// Event is a change as it is shown.
type Event struct {
	Revision listing.Revision     `json:"revision"`
	Time     time.Time            `json:"time"`
	Actor    string               `json:"actor"`
	Action   string               `json:"action"`
	Because  listing.DelistReason `json:"because,omitempty"`
	Subject  listing.Subject      `json:"prefix,omitzero"`
	Reason   string               `json:"reason,omitempty"`
	Code     listing.Reason       `json:"code,omitempty"`
	Source   string               `json:"source,omitempty"`
	Note     string               `json:"note,omitempty"`
	Ticket   string               `json:"ticket,omitempty"`
	Before   *Row                 `json:"before,omitempty"`
	After    *Row                 `json:"after,omitempty"`
	Allow    *listing.Allow       `json:"allow,omitempty"`    // as it is, or was before it was taken back
	Until    time.Time            `json:"until,omitzero"`     // of a source that was imported
	Entries  int                  `json:"entries,omitzero"`   // of a source
	Document string               `json:"document,omitempty"` // that was written: its kind and id, such as "proposal p-7xkq2mfa"
}

// Events makes changes events.
func (r Rows) Events(changes []listing.Change) []Event {
	all := make([]Event, 0, len(changes))
	for _, c := range changes {
		all = append(all, r.Event(c))
	}
	return all
}

// Event makes a change an event.
func (r Rows) Event(c listing.Change) Event {
	e := Event{Revision: c.Revision, Time: c.Header.Time, Actor: c.Header.Actor, Because: c.Because,
		Note: c.Header.Note, Ticket: c.Header.Ticket}
	switch c.Kind {
	case listing.EntryChange:
		r.entryEvent(&e, c)
	case listing.AllowChange:
		e.Action, e.Allow = Allowed, c.AllowAfter
		if c.AllowAfter == nil {
			e.Action, e.Allow = Disallowed, c.AllowBefore
		}
		e.Subject = e.Allow.Subject
	case listing.SourceChange:
		sourceEvent(&e, c)
	case listing.ConfigChange:
		e.Action = Configured
	case listing.DocumentChange:
		of := c.DocumentAfter
		if of == nil {
			of = c.DocumentBefore
		}
		e.Action, e.Document = Noted, of.Kind+" "+of.ID
	}
	return e
}

// sourceEvent says what became of a source: it was imported, swept or dropped.
func sourceEvent(e *Event, c listing.Change) {
	if c.SourceAfter == nil {
		e.Action, e.Source, e.Entries = Dropped, c.SourceBefore.Name, c.SourceBefore.Entries
		return
	}
	e.Action, e.Source, e.Entries, e.Until = Refreshed, c.SourceAfter.Name, c.SourceAfter.Entries, c.SourceAfter.Until
	if c.Because == listing.Expired {
		e.Action = Swept
	}
}

// entryEvent says what became of an entry, with how it was before and after.
func (r Rows) entryEvent(e *Event, c listing.Change) {
	of := c.After
	if of == nil {
		of = c.Before
	}
	e.Subject, e.Code, e.Reason, e.Source = of.Subject, of.Reason, r.Reasons.Symbol(of.Reason), of.Source
	for _, side := range []struct {
		entry *listing.Entry
		row   **Row
	}{{c.Before, &e.Before}, {c.After, &e.After}} {
		if side.entry != nil {
			row := r.past(*side.entry)
			*side.row = &row
		}
	}
	e.Action = entryAction(c)
}

// past makes an entry of the past a row: the ends that sources have now say
// nothing about it.
func (r Rows) past(e listing.Entry) Row {
	row := r.Row(e)
	row.Until = e.Until
	return row
}

// entryAction names the change of an entry by what it means to whoever is
// listed: first whether it lists at all, then for how long.
func entryAction(c listing.Change) string {
	switch {
	case c.After == nil && c.Because == listing.Expired:
		return Expired
	case c.After == nil:
		return Delisted
	case c.Before == nil || c.Before.Except != c.After.Except:
		if c.After.Except {
			return Excepted
		}
		return Listed
	case later(c.After.Until, c.Before.Until):
		return Extended
	case later(c.Before.Until, c.After.Until):
		return Shortened
	}
	return Described
}

// later reports whether the end a comes after the end b; the zero time is that
// of the source.
func later(a, b time.Time) bool {
	return !b.IsZero() && (a.IsZero() || a.After(b))
}

// subjectOf is what an entry or an allow entry that changed is about; of other
// changes the zero Subject.
func subjectOf(c listing.Change) listing.Subject {
	switch {
	case c.After != nil:
		return c.After.Subject
	case c.Before != nil:
		return c.Before.Subject
	case c.AllowAfter != nil:
		return c.AllowAfter.Subject
	case c.AllowBefore != nil:
		return c.AllowBefore.Subject
	}
	return listing.Subject{}
}
