package listing

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Rules are what a Book writes by. They come from the configuration and can
// be exchanged while it works.
type Rules struct {
	Reasons *Reasons
	Policy  Policy
	Roles   Roles
	Primary string // of the list, which is a mirror then and written by Mirror alone; empty: there is none
}

// View is the served view, as far as a writer needs it.
type View interface {
	// Wait returns when answers are given from the revision or a later one.
	Wait(ctx context.Context, r Revision) error
}

// Judge says whether support may end a listing, by the rules of the desk.
type Judge interface {
	// MayEnd asks those outside the list, such as DNS, and returns what decides
	// on the snapshot that the command is planned on.
	MayEnd(ctx context.Context, c Delist) (func(Snapshot) error, error)
}

// Book is the only way to write. It decides who may, turns commands into
// requests, checks them against the rules, has the store decide them, and
// returns when the served view has what was decided.
type Book struct {
	store Store
	view  View
	rules atomic.Pointer[Rules]
	judge Judge // nil: support is bound by its role alone
	now   func() time.Time
}

// NewBook returns a Book over a store and the view that serves it.
func NewBook(store Store, view View, rules Rules, now func() time.Time) *Book {
	b := &Book{store: store, view: view, now: now}
	b.SetRules(rules)
	return b
}

// SetJudge binds support to a judge. It comes before the first command.
func (b *Book) SetJudge(j Judge) { b.judge = j }

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

// planning is the look at the list that a command is planned on: who may give
// it and what it does are decided on the same snapshot, and its edits expect
// the revisions that were seen there.
type planning struct {
	Snapshot
	rules    Rules
	now      time.Time
	who      Caller
	second   bool // another person has agreed
	begun    bool // a part of the command was decided earlier
	ends     int  // entries of a source that end with it
	warnings []string
	warned   map[string]bool         // of what
	allows   func() ([]Allow, error) // of the snapshot, read once
}

// warn adds a sentence, once: it may be true of each of a thousand subjects.
func (p *planning) warn(sentence string) {
	if p.warned == nil {
		p.warned = map[string]bool{}
	}
	if !p.warned[sentence] {
		p.warned[sentence] = true
		p.warnings = append(p.warnings, sentence)
	}
}

// Allows are those of the snapshot. A command may ask for them for each of its subjects.
func (p *planning) Allows() ([]Allow, error) {
	if p.allows == nil {
		p.allows = sync.OnceValues(p.Snapshot.Allows)
	}
	return p.allows()
}

// order is what surrounds the edits of a command.
type order struct {
	Header
	Options
	intent  Digest
	earlier earlier
}

// plan looks, plans and applies, again when another writer came between. A
// command that was decided earlier is not planned: its answer stands.
func (b *Book) plan(ctx context.Context, who Caller, o order, plan func(*planning) ([]Edit, error)) (Result, error) {
	if err := b.Rules().Writable(); err != nil {
		return Result{}, err
	}
	for attempt := 1; ; attempt++ {
		o.Time = b.Now()
		p := planning{rules: b.Rules(), now: o.Time, who: who}
		var edits []Edit
		err := b.store.View(ctx, func(s Snapshot) (err error) {
			if o.earlier, err = earlierOf(s, o.Options); err != nil || o.earlier.whole() {
				return err
			}
			p.Snapshot, p.begun = s, len(o.earlier.parts) > 0
			edits, err = plan(&p)
			return err
		})
		if err != nil {
			return Result{}, err
		}
		res, err := b.apply(ctx, o, edits, p.ends)
		if errors.Is(err, ErrConflict) && o.IfRevision == nil && o.IdempotencyKey == "" && attempt < retries {
			continue
		}
		res.Warnings = append(res.Warnings, p.warnings...)
		return res, err
	}
}

// run carries out a command that can also be proposed. decide, if there is one,
// refuses it or adds edits that are made in the same request.
func (b *Book) run(ctx context.Context, who Caller, c command, decide func(Snapshot) ([]Edit, error)) (Result, error) {
	if err := c.may(b.Rules(), who); err != nil {
		return Result{}, err
	}
	if c.options().Propose {
		return b.propose(ctx, who, c)
	}
	return b.plan(ctx, who, orderOf(c, who.Name), func(p *planning) (edits []Edit, err error) {
		var more []Edit
		if decide != nil {
			if more, err = decide(p.Snapshot); err != nil {
				return nil, err
			}
		}
		edits, err = p.planAll(c)
		return append(edits, more...), err
	})
}

func orderOf(c command, actor string) order {
	h := c.header()
	h.Actor = actor
	o := order{Header: h, Options: c.options(), intent: IntentOf(c)}
	if !c.bounded() && o.MaxChanges == 0 {
		o.MaxChanges = math.MaxInt
	}
	return o
}

// Do applies edits that a part of the program made: the sensor's, the desk's.
// Their entries are held to the policy, as those of people are.
func (b *Book) Do(ctx context.Context, who Caller, note string, edits []Edit) (Result, error) {
	if err := b.Rules().Roles.Require(who, Daemon, "writing past the commands"); err != nil {
		return Result{}, err
	}
	o := order{Header: Header{Time: b.Now(), Actor: who.Name, Note: note}, Options: Options{MaxChanges: MaxEdits}}
	if slices.ContainsFunc(edits, Edit.lists) {
		if err := b.checkEdits(ctx, edits, o.Time); err != nil {
			return Result{}, err
		}
	}
	return b.apply(ctx, o, edits, 0)
}

func (b *Book) checkEdits(ctx context.Context, edits []Edit, now time.Time) error {
	p := planning{rules: b.Rules(), now: now}
	return b.store.View(ctx, func(s Snapshot) error {
		p.Snapshot = s
		allows, err := s.Allows()
		for n := range edits {
			if err == nil && edits[n].lists() {
				err = p.checkEdit(edits[n], allows)
			}
		}
		return err
	})
}

// lists reports whether the edit can make addresses listed.
func (e Edit) lists() bool { return e.Op == OpList && !e.Except }

// checkEdit refuses what no part of the program may list.
func (p *planning) checkEdit(e Edit, allows []Allow) error {
	s := e.Key.Subject
	info, known := p.rules.Reasons.Info(e.Key.Reason)
	switch canary, ok := p.rules.Policy.Canary(s); {
	case !known:
		return fmt.Errorf("listing %s for reason %d, which the catalogue lacks: %w", s.Text(), e.Key.Reason, ErrPolicy)
	case ok:
		return canaryRefused(s, canary, "", "look at what lists it; canaries are in [policy] of the configuration")
	case info.TwoPersons:
		return twoPersons(info)
	}
	if err := p.rules.Policy.checkHand(s, true, "by rules", false); err != nil {
		return err
	}
	if !e.Until.IsZero() || e.Life.Longest > min(info.Longest, p.rules.Policy.Longest) {
		if err := p.rules.Policy.checkEnd(info, e.end(1, p.now), p.now); err != nil {
			return err
		}
	}
	return allowed(s, allows, p.now)
}

// Sweep ends what is due: entries, allow entries and sources by the edits, and
// in a source that stays the entries that end before it, as one change.
func (b *Book) Sweep(ctx context.Context, who Caller, due []Edit) error {
	res, err := b.Do(ctx, who, "", due)
	for n := range due {
		name := due[n].Source
		if err != nil {
			return err
		}
		if name == "" || slices.ContainsFunc(res.Changes, func(c Change) bool { return c.Kind == SourceChange && c.SourceBefore.Name == name }) {
			continue
		}
		_, err = b.replace(ctx, order{Header: Header{Time: b.Now(), Actor: who.Name}}, SourceEdit{Name: name, Sweep: true}, nothing)
	}
	return err
}

func nothing(func(Entry, error) bool) {}

// Configure notes that the configuration changed, if it did: zones then have
// another serial. Those of a mirror have the primary's.
func (b *Book) Configure(ctx context.Context, who Caller, hash string) error {
	if b.Rules().Primary != "" {
		return nil
	}
	_, err := b.Do(ctx, who, "", []Edit{{Op: OpConfigure, Config: hash}})
	return err
}
