package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/report"
)

// parts are the subjects of a command, and its options.
type parts[C any] func(*C) (first *listing.Subject, more []listing.Subject, o *listing.Options)

// carryOut does a command of the Book.
type carryOut[C any] func(*listing.Book, context.Context, listing.Caller, C) (listing.Result, error)

// The commands have the same parts in fields of the same names; Go has no way to
// say that, so there is a line for each.

func partsOfAdd(c *listing.Add) (*listing.Subject, []listing.Subject, *listing.Options) {
	return &c.Subject, c.More, &c.Options
}

func partsOfExpire(c *listing.Expire) (*listing.Subject, []listing.Subject, *listing.Options) {
	return &c.Subject, c.More, &c.Options
}

func partsOfDelist(c *listing.Delist) (*listing.Subject, []listing.Subject, *listing.Options) {
	return &c.Subject, c.More, &c.Options
}

func partsOfPermit(c *listing.Permit) (*listing.Subject, []listing.Subject, *listing.Options) {
	return &c.Subject, c.More, &c.Options
}

// command answers one of the Book's commands.
func command[C any](s *Server, of parts[C], do carryOut[C]) func(context.Context, listing.Caller, C) (ctl.Outcome, error) {
	return func(ctx context.Context, who listing.Caller, c C) (ctl.Outcome, error) {
		subject, more, o := of(&c)
		if err := canonical(subject, more, o); err != nil {
			return ctl.Outcome{}, err
		}
		res, err := do(s.cfg.Book, ctx, who, c)
		out, err := s.changed(ctx, *o, res, err)
		if err == nil && frees(c) && res.Changed() && res.Proposal == nil && !o.DryRun {
			err = s.still(ctx, &out, append(more, *subject)...)
		}
		return out, err
	}
}

// frees reports whether a command is to take what it names off the list at once.
func frees(c any) bool {
	switch c := c.(type) {
	case listing.Delist:
		return true
	case listing.Expire:
		return c.At.IsZero() && c.In == 0
	}
	return false
}

// still adds to an outcome by what subjects are listed all the same.
func (s *Server) still(ctx context.Context, out *ctl.Outcome, subjects ...listing.Subject) error {
	return s.cfg.Book.Store().View(ctx, func(snap listing.Snapshot) error {
		all, sentences, err := report.Still(snap, s.cfg.Book.Rules(), s.cfg.Book.Now(), s.zones(), subjects...)
		out.StillListed = all
		for _, text := range sentences {
			out.Warn(text)
		}
		return err
	})
}

// setSource says where to ask about a source.
func (s *Server) setSource(ctx context.Context, who listing.Caller, c listing.SetSource) (out ctl.Outcome, err error) {
	if err := checkKey(c.IdempotencyKey); err != nil {
		return out, err
	}
	res, err := s.cfg.Book.SetSource(ctx, who, c)
	return s.changed(ctx, c.Options, res, err)
}

// dropSource ends a source. All its entries end with it, in one change.
func (s *Server) dropSource(ctx context.Context, who listing.Caller, c ctl.DropSource) (out ctl.Outcome, err error) {
	if err := checkKey(c.IdempotencyKey); err != nil {
		return out, err
	}
	res, err := s.cfg.Book.DropSource(ctx, who, c.Name, c.Note, c.Options)
	return s.changed(ctx, c.Options, res, err)
}

// undo takes back what a revision did. Of an import the changes name the source
// alone, so a dry run looks the entries up.
func (s *Server) undo(ctx context.Context, who listing.Caller, c ctl.Undo) (out ctl.Outcome, err error) {
	if err := checkKey(c.IdempotencyKey); err != nil {
		return out, err
	}
	res, err := s.cfg.Book.Undo(ctx, who, c.Revision, c.Note, c.Options)
	out, err = s.changed(ctx, c.Options, res, err)
	if err != nil || !c.DryRun || len(out.Changes) == 0 || out.Changes[0].Source == "" {
		return out, err
	}
	reach, err := s.reach(ctx) // of an import: what it changed is not among the changes
	if err == nil {
		out.Inside, out.Addresses, err = reach.Revision(ctx, c.Revision)
	}
	return out, err
}

// canonical checks the key of a command and brings its subjects into canonical
// form: what comes over the socket need not come from our client.
func canonical(first *listing.Subject, more []listing.Subject, o *listing.Options) (err error) {
	if err := checkKey(o.IdempotencyKey); err != nil {
		return err
	}
	if first.IsValid() { // else the Book says what is missing
		*first, err = listing.ParseSubject(first.String())
	}
	for n := range more {
		if err == nil {
			more[n], err = listing.ParseSubject(more[n].String())
		}
	}
	return err
}

// checkKey bounds what is kept of an idempotency key for 30 days, and shown
// again.
func checkKey(key string) error {
	const most = 100
	if len(key) > most || listing.Printable(key) != key {
		return invalid("bad-key", "the idempotency key is not 1 to 100 printable ASCII characters",
			"something like the id of the ticket or mail that asked for it")
	}
	return nil
}

// changed is what a command did. A bulk operation that failed on its way also
// says what it had done by then.
func (s *Server) changed(ctx context.Context, o listing.Options, res listing.Result, err error) (ctl.Outcome, error) {
	if err != nil && !res.Changed() {
		return ctl.Outcome{}, err
	}
	out, outErr := s.outcome(ctx, res, o.DryRun)
	if outErr != nil {
		return ctl.Outcome{}, errors.Join(err, outErr)
	}
	out.Show(o.Shown)
	if err != nil {
		err = &partial{err, out}
	}
	return out, err
}

// outcome is a result as it is sent: entries as rows, changes as events, how
// many addresses they touch, and when resolvers will have forgotten what was
// before. Of a dry run it says what lies within reach instead.
func (s *Server) outcome(ctx context.Context, res listing.Result, dry bool) (ctl.Outcome, error) {
	rows := report.Rows{Reasons: s.cfg.Book.Rules().Reasons}
	out := ctl.Outcome{Changed: res.Changed(), Repeated: res.Repeated, DryRun: dry, Revision: res.Revision, Warnings: res.Warnings}
	for _, e := range res.Entries {
		out.Entries = append(out.Entries, rows.Row(e))
		if info, known := rows.Reasons.Info(e.Reason); known && !info.Published && !e.Except {
			out.Warn(fmt.Sprintf("%s is recorded and shown to operators, but answered only by zones that name it", info.Symbol))
		}
	}
	var touched []listing.Subject // by a change each, or more
	for _, c := range res.Changes {
		e := rows.Event(c)
		out.Changes = append(out.Changes, e)
		switch {
		case e.Subject.IsValid():
			touched = append(touched, e.Subject)
		case e.Action == report.Dropped:
			out.Addresses += float64(c.SourceBefore.Entries) // nearly all are hosts
		}
	}
	out.Addresses += listing.NewCover(touched...).Addresses()
	if res.Repeated {
		out.Warn("this was decided earlier under the same idempotency key; nothing was done again")
	}
	if !dry {
		out.EffectiveBy = s.effectiveBy(res)
		return out, nil
	}
	reach, err := s.reach(ctx)
	if err == nil {
		out.Inside, err = reach.Changes(ctx, out.Changes)
	}
	return out, err
}

// reach looks up what there is to be touched by a dry run.
func (s *Server) reach(ctx context.Context) (*report.Reach, error) {
	var senders report.Senders
	if s.cfg.Sensor != nil {
		senders = s.cfg.Sensor.Clean
	}
	return report.NewReach(ctx, s.cfg.Book, senders)
}

// effectiveBy is when the last resolver has forgotten what it was told before
// the changes: the TTL of a listing where one ended or became another, that of
// a negative answer where one began. If nothing changed, or it cannot be told
// what (an import), it may be either.
func (s *Server) effectiveBy(res listing.Result) time.Time {
	listed, unlisted := s.longestTTLs()
	longest := max(listed, unlisted)
	if longest == 0 {
		return time.Time{}
	}
	if len(res.Changes) > 0 {
		longest = 0
		for _, c := range res.Changes {
			if begins(c) {
				longest = max(longest, unlisted)
			} else {
				longest = max(longest, listed)
			}
		}
	}
	return s.cfg.Book.Now().Add(longest.Duration()).Truncate(time.Second).Add(time.Second)
}

// begins reports whether a change can only make unlisted addresses listed.
func begins(c listing.Change) bool {
	switch c.Kind {
	case listing.EntryChange:
		return c.Before == nil && !c.After.Except
	case listing.AllowChange:
		return c.AllowAfter == nil
	}
	return false
}

// longestTTLs are those of answers for listed and unlisted addresses.
func (s *Server) longestTTLs() (listed, unlisted listing.Life) {
	for _, z := range s.zones() {
		listed, unlisted = max(listed, z.TTL), max(unlisted, z.NegativeTTL)
	}
	return listed, unlisted
}

// zones are those that are answered here.
func (s *Server) zones() []report.Zone {
	if s.cfg.Zones == nil {
		return nil
	}
	return s.cfg.Zones()
}
