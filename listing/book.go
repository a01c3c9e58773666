package listing

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

// Rules are what a Book writes by. They come from the configuration and can
// be exchanged while it works.
type Rules struct {
	Reasons *Reasons
	Policy  Policy
}

// View is the served view, as far as a writer needs it.
type View interface {
	// Wait returns when answers are given from the revision or a later one.
	Wait(ctx context.Context, r Revision) error
}

// Book is the only way to write. It turns commands into requests, checks them
// against the rules, has the store decide them, and returns when the served
// view has what was decided.
type Book struct {
	store Store
	view  View
	rules atomic.Pointer[Rules]
	now   func() time.Time
}

// NewBook returns a Book over a store and the view that serves it.
func NewBook(store Store, view View, rules Rules, now func() time.Time) *Book {
	b := &Book{store: store, view: view, now: now}
	b.SetRules(rules)
	return b
}

// Rules are those in force.
func (b *Book) Rules() Rules { return *b.rules.Load() }

// SetRules puts other rules in force, for the commands that come after.
func (b *Book) SetRules(r Rules) { b.rules.Store(&r) }

// Now is the time the Book goes by.
func (b *Book) Now() time.Time { return b.now().UTC() }

// Store is what the Book writes to, for reading.
func (b *Book) Store() Store { return b.store }

// retries is how often a command is planned anew because another changed
// the same entries between looking and writing.
const retries = 4

// Add lists a subject, extends its listing, or makes an exception of it.
func (b *Book) Add(ctx context.Context, actor string, c Add) (Result, error) {
	return b.add(ctx, actor, c, approval{})
}

func (b *Book) add(ctx context.Context, actor string, c Add, second approval) (Result, error) {
	rules, now := b.Rules(), b.Now()
	edit, err := c.edit(rules, now, second.given)
	if err != nil {
		return Result{}, err
	}
	if err := b.checkAllowed(ctx, c, now); err != nil {
		return Result{}, err
	}
	header := Header{Time: now, Actor: actor, Note: Printable(c.Note), Ticket: Printable(c.Ticket)}
	res, err := b.apply(ctx, order{Header: header, Options: c.Options, intent: IntentOf(c)}, append([]Edit{edit}, second.settle...))
	if err == nil && !res.Changed() && len(res.Entries) > 0 && shorter(edit, res.Entries[0], now) {
		res.Warnings = append(res.Warnings, fmt.Sprintf("it is listed until %s already, which is later; `blctl expire` ends it sooner",
			res.Entries[0].Until.Format(time.RFC3339)))
	}
	return res, err
}

func shorter(e Edit, stands Entry, now time.Time) bool {
	return !e.Keep && e.end(stands.Level, now).Before(stands.Until.Add(-e.Life.Slack.Duration()))
}

// edit is the command as an edit, with everything from the rules that deciding
// it needs.
func (c Add) edit(rules Rules, now time.Time, approved bool) (Edit, error) {
	if !c.Subject.IsValid() {
		return Edit{}, &Error{Kind: ErrInvalid, Code: "not-an-address", Message: "no prefix was given", Hint: "for example: blctl add 192.0.2.7 --reason helo-bare-ip"}
	}
	info, err := rules.Reasons.Find(c.Reason)
	if err != nil {
		return Edit{}, err
	}
	if info.TwoPersons && !c.Except && !approved {
		return Edit{}, &Error{Kind: ErrPolicy, Code: "two-persons",
			Message: "an entry for " + info.Symbol + " takes two persons",
			Hint:    "`blctl propose add …` with the same flags; another operator then approves it"}
	}
	if !c.Except {
		if err := rules.Policy.checkHand(c.Subject, c.Force, c.Note, approved); err != nil {
			return Edit{}, err
		}
	}
	e := Edit{Op: OpList, Key: Key{Subject: c.Subject, Reason: info.Code}, Expect: c.IfRevision, Except: c.Except,
		Origin: ByOperator, PublicNote: Printable(c.PublicNote), Note: Printable(c.Note), Ticket: Printable(c.Ticket)}
	if info.Repeat > 1 {
		e.Companion = Repeat
	}
	if c.HELO != "" {
		e.Evidence = newEvidence(Sample{Time: now.Truncate(time.Second), HELO: Printable(c.HELO)})
	}
	return e, c.setEnd(&e, info, rules.Policy, now)
}

// setEnd writes the end of the entry: given, or by the life of its reason.
func (c Add) setEnd(e *Edit, info ReasonInfo, policy Policy, now time.Time) error {
	longest := min(info.Longest, policy.Longest)
	e.Life = Lifetime{Base: info.Base, Longest: longest, Repeat: info.Repeat}
	switch {
	case c.For != 0 && !c.Until.IsZero():
		return &Error{Kind: ErrInvalid, Code: "two-ends", Message: "both a life and an end were given", Hint: "give --for or --until, not both"}
	case c.For != 0:
		e.Life = Lifetime{Base: c.For, Longest: longest, Repeat: 1, Slack: c.For / 100}
		return policy.checkEnd(info, now.Add(c.For.Duration()), now)
	case !c.Until.IsZero():
		e.Until = c.Until
		return policy.checkEnd(info, c.Until, now)
	case c.Except:
		e.Life, e.Keep = Lifetime{Base: policy.Exception, Longest: policy.Longest, Repeat: 1}, true
		return nil
	case info.Base == 0:
		e.Life.Base = longest
	}
	e.Keep = true
	return nil
}

// newEvidence salts samples. The salt is random, so evidence is made by the
// writer, never while deciding.
func newEvidence(samples ...Sample) *Evidence {
	salt := make([]byte, 16)
	rand.Read(salt) // never fails (crypto/rand)
	return &Evidence{Salt: salt, Samples: samples}
}

// checkAllowed refuses to list what an operator has said is never listed.
func (b *Book) checkAllowed(ctx context.Context, c Add, now time.Time) error {
	if c.Except {
		return nil
	}
	return b.store.View(ctx, func(s Snapshot) error {
		allows, err := s.Allows()
		if err != nil {
			return err
		}
		for _, a := range allows {
			if a.Active(now) && a.Subject.Covers(c.Subject) {
				return &Error{Kind: ErrPolicy, Code: "allowed",
					Message: fmt.Sprintf("%s is never listed: %s asked %s to allow %s", c.Subject.Text(), a.Owner, a.Actor, a.Subject.Text()),
					Hint:    "`blctl allow list` shows it; `blctl allow remove " + a.Subject.Text() + "` takes it back"}
			}
		}
		return nil
	})
}

// Do applies edits that were made elsewhere: the sweep's, the sensor's.
func (b *Book) Do(ctx context.Context, actor, note string, edits []Edit) (Result, error) {
	return b.apply(ctx, order{Header: Header{Time: b.Now(), Actor: actor, Note: note}, Options: Options{MaxChanges: MaxEdits}}, edits)
}

// Sweep ends what is due: entries, allow entries and sources by the edits, and
// in a source that stays the entries that end before it, as one change.
func (b *Book) Sweep(ctx context.Context, actor string, due []Edit) error {
	res, err := b.Do(ctx, actor, "", due)
	for n := range due {
		name := due[n].Source
		if err != nil {
			return err
		}
		if name == "" || slices.ContainsFunc(res.Changes, func(c Change) bool { return c.Kind == SourceChange && c.SourceBefore.Name == name }) {
			continue
		}
		var v Verdict
		v, err = b.store.Replace(ctx, Request{Header: Header{ID: rand.Text(), Time: b.Now(), Actor: actor},
			Source: &SourceEdit{Name: name, Sweep: true}}, func(func(Entry, error) bool) {})
		if err == nil {
			err = b.served(ctx, v, Options{})
		}
	}
	return err
}

// order is what surrounds the edits of a command.
type order struct {
	Header
	Options
	intent  Digest
	earlier earlier
	ends    int // entries of a source that end with it
}

func (b *Book) served(ctx context.Context, v Verdict, o Options) error {
	if o.DryRun {
		return nil
	}
	if err := b.view.Wait(ctx, v.Revision); err != nil {
		return fmt.Errorf("revision %d is stored but not yet served: %w", v.Revision, errors.Join(ErrUnavailable, err))
	}
	return nil
}

// Configure notes that the configuration changed, if it did: zones then have
// another serial.
func (b *Book) Configure(ctx context.Context, actor, hash string) error {
	_, err := b.Do(ctx, actor, "", []Edit{{Op: OpConfigure, Config: hash}})
	return err
}
