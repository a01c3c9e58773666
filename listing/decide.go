package listing

import (
	"fmt"
	"time"
)

// State is what deciding looks at: this list's own entries, and the sources as
// objects. It does not change while a request is decided.
type State interface {
	Head() Revision
	At(s Subject) ([]Entry, error) // this list's own entries at exactly s
	Past(k Key) (Past, error)      // the zero Past if there is none
	Allow(s Subject) (Allow, bool, error)
	Source(name string) (Source, bool, error)
	Document(kind, id string) (Document, bool, error)
	Config() string
}

// Decide says what a request does to a state. It is a pure function of the
// two, so that nodes that decide the same requests in the same order hold the
// same list. A verdict without changes leaves the revision as it is.
func Decide(state State, r Request) (Verdict, error) {
	if err := r.Validate(); err != nil {
		return Verdict{}, err
	}
	d := newOverlay(state, &r)
	for n := range r.Edits {
		if err := d.edit(&r.Edits[n]); err != nil {
			return Verdict{}, err
		}
	}
	return d.verdict(), nil
}

func (d *overlay) edit(e *Edit) error {
	switch e.Op {
	case OpList:
		return d.list(e)
	case OpExpire:
		return d.expire(e)
	case OpDelist:
		return d.delist(e)
	case OpSweep:
		return d.sweep(e)
	case OpRestore:
		return d.restore(e)
	case OpAllow, OpDisallow:
		return d.allow(e)
	case OpEndSource:
		return d.endSource(e.Source, e.Because, e.Expect)
	case OpDocument:
		return d.document(e)
	case OpConfigure:
		if e.Config != d.state.Config() {
			d.change(Change{Kind: ConfigChange, Config: e.Config})
		}
		return nil
	}
	return fmt.Errorf("edit %q: %w", e.Op, ErrInvalid)
}

// list begins a listing or an exception, or extends the one that stands.
func (d *overlay) list(e *Edit) error {
	cur, found, err := d.current(e)
	if err != nil {
		return err
	}
	switch {
	case !found:
		return d.begin(e, nil)
	case cur.Except && !e.Except:
		return d.begin(e, &cur)
	case e.Except && !cur.Except:
		return &Error{Kind: ErrConflict, Code: "listed",
			Message: fmt.Sprintf("%s is itself listed for this reason, so it cannot also be an exception", e.Key.Subject.Text()),
			Names:   prefix(e.Key.Subject)}
	}
	return d.extend(e, cur)
}

func (d *overlay) begin(e *Edit, before *Entry) error {
	next := Entry{Key: e.Key, Except: e.Except, Since: e.seen(d.request.Time), Level: 1, Origin: e.Origin,
		Actor: d.request.Actor, Revision: d.revision}
	if !e.Except {
		past, err := d.past(e.Key)
		if err != nil {
			return err
		}
		next.Before, next.Level = past, levelAfter(past, d.request.Time)
	}
	next.Until = e.end(next.Level, d.request.Time)
	if !next.Until.After(d.request.Time) {
		return nil // seen too long ago: it would have ended by now
	}
	e.describe(&next)
	d.put(before, next, "")
	return d.accompany(e, next)
}

func (d *overlay) extend(e *Edit, cur Entry) error {
	next := cur
	if until := e.end(cur.Level, d.request.Time); !e.Keep && until.Sub(cur.Until) > e.Life.Slack.Duration() {
		next.Until = until
	}
	e.describe(&next)
	if next == cur {
		d.entries = append(d.entries, cur)
		return nil
	}
	next.Actor, next.Revision = d.request.Actor, d.revision
	d.put(&cur, next, "")
	return d.accompany(e, next)
}

// describe writes onto an entry what the edit says of it beside its end.
func (e *Edit) describe(to *Entry) {
	for _, f := range []struct{ from, to *string }{
		{&e.PublicNote, &to.PublicNote}, {&e.Note, &to.Note}, {&e.Ticket, &to.Ticket},
	} {
		if *f.from != "" {
			*f.to = *f.from
		}
	}
	if e.Evidence != nil {
		to.Evidence = e.Evidence.Sum()
	}
}

func (e *Edit) seen(now time.Time) time.Time {
	if e.Seen.IsZero() || e.Seen.After(now) {
		return now.Truncate(time.Second)
	}
	return e.Seen.Truncate(time.Second)
}

// end is when an entry at a level ends by this edit.
func (e *Edit) end(level int, now time.Time) time.Time {
	if !e.Until.IsZero() {
		return e.Until.Truncate(time.Second)
	}
	return e.seen(now).Add(lifeAt(e.Life.Base, e.Life.Longest, e.Life.Repeat, level).Duration())
}

// accompany lists a repeated offender also as such, for as long.
func (d *overlay) accompany(e *Edit, main Entry) error {
	if e.Companion == 0 || main.Except || main.Level < CompanionLevel {
		return nil
	}
	companion := Edit{Op: OpList, Key: Key{Subject: e.Key.Subject, Reason: e.Companion}, Until: main.Until, Origin: main.Origin}
	return d.list(&companion)
}

func (d *overlay) expire(e *Edit) error {
	cur, found, err := d.current(e)
	if err != nil {
		return err
	}
	until := e.Until.Truncate(time.Second)
	switch {
	case !found && d.ended[e.Key]:
		return nil
	case !found:
		return &Error{Kind: ErrNotFound, Code: "not-listed",
			Message: fmt.Sprintf("%s is not listed for this reason", e.Key.Subject.Text()),
			Names:   prefix(e.Key.Subject)}
	case !until.After(d.request.Time):
		return d.end(cur, Expired)
	case until.Equal(cur.Until):
		d.entries = append(d.entries, cur)
		return nil
	}
	next := cur
	next.Until, next.Actor, next.Revision = until, d.request.Actor, d.revision
	e.describe(&next)
	d.put(&cur, next, "")
	return nil
}

func (d *overlay) delist(e *Edit) error {
	cur, found, err := d.current(e)
	if err != nil || !found {
		return err
	}
	return d.end(cur, e.Because)
}

// sweep ends what is due, and only that: the sweeper may have looked at an
// older revision.
func (d *overlay) sweep(e *Edit) error {
	now := d.request.Time
	switch {
	case e.Source != "":
		if s, found, err := d.source(e.Source); err != nil || !found || s.Active(now) {
			return err
		}
		return d.endSource(e.Source, Expired, nil)
	case e.Subject.IsValid():
		if a, found, err := d.allowed(e.Subject); err != nil || !found || a.Active(now) {
			return err
		}
		return d.allow(&Edit{Op: OpDisallow, Subject: e.Subject})
	}
	_, _, err := d.current(e)
	return err
}

// levelAfter is the level of a new listing: one more within 90 days of the end
// of the last, else one less for every 90 clean days, but never under one.
func levelAfter(past Past, now time.Time) int {
	const clean = 90 * Day
	gap := now.Sub(past.Ended)
	if past.Level > 0 && gap < clean {
		return past.Level + 1
	}
	return max(1, past.Level-int(gap/clean))
}
