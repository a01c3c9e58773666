package listing

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
)

// apply sends edits as requests and waits until what they did is served. What
// was decided of the command earlier is not sent again. ends are the entries of
// a source that end with it, which are in no edit.
func (b *Book) apply(ctx context.Context, o order, edits []Edit, ends int) (Result, error) {
	if err := b.Rules().Writable(); err != nil {
		return Result{}, err
	}
	changes := max(len(edits), ends)
	tooMany := b.bound(o.Options, changes)
	if tooMany != nil && !o.DryRun {
		return Result{}, tooMany
	}
	parts, err := chunks(edits)
	if err != nil {
		return Result{}, err
	}
	all, base, keyed, before := Result{}, o.id(), o.IdempotencyKey != "", len(o.earlier.parts)
	if tooMany != nil {
		all.Warnings = []string{fmt.Sprintf("it takes --max-changes %d", changes)}
	}
	if before > 0 {
		if all, err = b.again(ctx, base, o); err != nil || o.earlier.whole() {
			return all, err
		}
	}
	for n, part := range parts {
		r := Request{Header: o.Header, Keyed: keyed, Intent: o.intent, DryRun: o.DryRun, Edits: part}
		r.ID = partID(base, before+n)
		if of := before + len(parts); of > 1 {
			r.Set, r.Of = base, of
		}
		v, err := b.store.Apply(ctx, r)
		if err != nil {
			return all, err
		}
		all.add(v)
	}
	return all, b.served(ctx, all.Verdict, o.Options)
}

// bound refuses more changes than the command says, or the policy.
func (b *Book) bound(o Options, changes int) error {
	most := cmp.Or(o.MaxChanges, b.Rules().Policy.MaxChanges)
	if changes <= most {
		return nil
	}
	return &Error{Kind: ErrPolicy, Code: "too-many-changes",
		Message: fmt.Sprintf("this would change %d entries, more than %d", changes, most),
		Hint:    fmt.Sprintf("look with --dry-run; if it is right, repeat with --max-changes %d", changes)}
}

// served waits until answers are given from what was decided.
func (b *Book) served(ctx context.Context, v Verdict, o Options) error {
	if o.DryRun {
		return nil
	}
	if err := b.view.Wait(ctx, v.Revision); err != nil {
		return fmt.Errorf("revision %d is stored but not yet served: %w", v.Revision, errors.Join(ErrUnavailable, err))
	}
	return nil
}

// again asks for what was decided earlier: the store looks whether it was the
// same command.
func (b *Book) again(ctx context.Context, base string, o order) (all Result, err error) {
	v, err := b.store.Apply(ctx, Request{Header: Header{ID: base, Time: o.Time, Actor: o.Actor}, Keyed: true, Intent: o.intent})
	if err != nil {
		return all, err
	}
	all.add(v)
	for _, v := range o.earlier.parts[1:] {
		all.add(v)
	}
	all.Repeated = o.earlier.whole()
	return all, b.served(ctx, all.Verdict, o.Options)
}

func (r *Result) add(v Verdict) {
	r.Revision, r.Repeated = v.Revision, r.Repeated || v.Repeated
	r.Changes, r.Entries = append(r.Changes, v.Changes...), append(r.Entries, v.Entries...)
}

// longestSubject is the text of an IPv6 prefix, and the comma behind an edit.
const longestSubject = 45

// chunks cuts edits to the size of a request; no edits are one empty request. The edits
// of a command differ by their subject, most of them by nothing else.
func chunks(edits []Edit) ([][]Edit, error) {
	const most = MaxRequestBytes * 3 / 4 // what remains is the header's
	parts, size := [][]Edit{nil}, 0
	like, octets := Edit{}, 0 // an edit that was measured
	for _, e := range edits {
		if like.Key.Subject = e.Key.Subject; like != e || octets == 0 {
			raw, err := json.Marshal(e)
			if err != nil {
				return nil, fmt.Errorf("measuring a change of %s: %w", e.Key.Subject.Text(), err)
			}
			like, octets = e, len(raw)+longestSubject
		}
		last := len(parts) - 1
		if len(parts[last]) == MaxEdits || len(parts[last]) > 0 && size+octets > most {
			parts, last, size = append(parts, nil), last+1, 0
		}
		parts[last] = append(parts[last], e)
		size += octets
	}
	return parts, nil
}

// id is that of the first request of a command: with an idempotency key always
// the same.
func (o Options) id() string {
	if o.IdempotencyKey == "" {
		return rand.Text()
	}
	return "key:" + o.IdempotencyKey
}

// partID tells the requests of one command apart.
func partID(base string, part int) string {
	if part == 0 {
		return base
	}
	return fmt.Sprintf("%s#%d", base, part)
}

// earlier is what was decided of a command with the same key, part by part.
type earlier struct {
	parts []Verdict
	of    int // how many there were to be
}

// whole reports whether nothing is left to be done: a daemon may have ended in
// between.
func (e *earlier) whole() bool { return len(e.parts) > 0 && len(e.parts) >= e.of }

func earlierOf(s Snapshot, o Options) (e earlier, err error) {
	if o.IdempotencyKey == "" {
		return e, nil
	}
	for base := o.id(); ; {
		v, known, err := s.Decided(partID(base, len(e.parts)))
		if err != nil || !known {
			return e, err
		}
		e.parts = append(e.parts, v)
		if len(v.Changes) > 0 {
			e.of = max(e.of, v.Changes[0].Header.Of)
		}
		if len(e.parts) == 1 && e.of == 0 {
			return e, nil // what follows is of another key that ends so
		}
	}
}

// decided reports whether all of a command with this key was decided earlier.
func (b *Book) decided(ctx context.Context, o order) (done bool, err error) {
	if o.IdempotencyKey == "" {
		return false, nil
	}
	err = b.store.View(ctx, func(s Snapshot) error {
		e, err := earlierOf(s, o.Options)
		done = e.whole()
		return err
	})
	return done, err
}
