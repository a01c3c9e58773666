package ctl

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/report"
)

// Outcome is what a command did, or with DryRun would do.
type Outcome struct {
	Changed   bool             `json:"changed"`
	Repeated  bool             `json:"repeated,omitempty"` // decided earlier under the same key: this is what was decided then
	DryRun    bool             `json:"dry_run,omitempty"`
	Revision  listing.Revision `json:"revision"`
	Entries   []report.Row     `json:"entries,omitempty"` // that the command named: as they stand, or stood when they ended
	Changes   []report.Event   `json:"changes,omitempty"`
	Addresses float64          `json:"addresses"`        // in the prefixes of the changed entries
	Inside    *report.Inside   `json:"inside,omitempty"` // of a dry run

	// EffectiveBy is when the last resolver asks again: the time of the answer
	// plus the longest TTL that a zone gives what stood before. It is zero
	// where no zone is answered, and for a dry run.
	EffectiveBy time.Time `json:"effective_by,omitzero"`
	Warnings    []string  `json:"warnings,omitempty"`
}

func (s *Server) add(w http.ResponseWriter, r *http.Request, who Caller) error {
	var c listing.Add
	if err := s.read(w, r, &c, &c.Subject, &c.Options); err != nil {
		return err
	}
	res, err := s.cfg.Book.Add(r.Context(), who, c)
	return s.changed(w, c.Options, res, err)
}

func (s *Server) expire(w http.ResponseWriter, r *http.Request, who Caller) error {
	var c listing.Expire
	if err := s.read(w, r, &c, &c.Subject, &c.Options); err != nil {
		return err
	}
	res, err := s.cfg.Book.Expire(r.Context(), who, c)
	return s.changed(w, c.Options, res, err)
}

func (s *Server) delist(w http.ResponseWriter, r *http.Request, who Caller) error {
	var c listing.Delist
	if err := s.read(w, r, &c, &c.Subject, &c.Options); err != nil {
		return err
	}
	res, err := s.cfg.Book.Delist(r.Context(), who, c)
	return s.changed(w, c.Options, res, err)
}

func (s *Server) permit(w http.ResponseWriter, r *http.Request, who Caller) error {
	var c listing.Permit
	if err := s.read(w, r, &c, &c.Subject, &c.Options); err != nil {
		return err
	}
	res, err := s.cfg.Book.Permit(r.Context(), who, c)
	return s.changed(w, c.Options, res, err)
}

// dropCommand is the body of a request to end a source.
type dropCommand struct {
	Note string `json:"note,omitempty"`
	listing.Options
}

func (s *Server) dropSource(w http.ResponseWriter, r *http.Request, who Caller) error {
	var c dropCommand
	if err := s.read(w, r, &c, nil, &c.Options); err != nil {
		return err
	}
	res, err := s.cfg.Book.DropSource(r.Context(), who, r.PathValue("name"), c.Note, c.Options)
	return s.changed(w, c.Options, res, err)
}

// read reads a command and brings its subject into canonical form: what comes
// over the socket need not come from our client.
func (s *Server) read(w http.ResponseWriter, r *http.Request, into any, subject *listing.Subject, o *listing.Options) error {
	if err := command(w, r, into); err != nil {
		return err
	}
	return canonical(subject, o)
}

// canonical checks the key of a command and brings its subject, if it has one,
// into canonical form.
func canonical(subject *listing.Subject, o *listing.Options) error {
	if err := checkKey(o.IdempotencyKey); err != nil || subject == nil || !subject.IsValid() {
		return err
	}
	s, err := listing.ParseSubject(subject.String())
	*subject = s
	return err
}

func checkKey(key string) error {
	const most = 100
	if len(key) > most || listing.Printable(key) != key {
		return invalid("bad-key", "the idempotency key is not 1 to 100 printable ASCII characters",
			"something like the id of the ticket or mail that asked for it")
	}
	return nil
}

// changed answers with what a command did. A bulk operation that failed on its
// way also says what it had done by then.
func (s *Server) changed(w http.ResponseWriter, o listing.Options, res listing.Result, err error) error {
	if err != nil && !res.Changed() {
		return err
	}
	out, outErr := s.outcome(res, o.DryRun)
	if outErr != nil {
		return errors.Join(err, outErr)
	}
	if err != nil {
		return &partial{err, out}
	}
	return reply(w, http.StatusOK, out)
}

func (s *Server) outcome(res listing.Result, dry bool) (Outcome, error) {
	out := Outcome{Changed: res.Changed(), Repeated: res.Repeated, DryRun: dry, Revision: res.Revision, Warnings: res.Warnings}
	r := report.Rows{Reasons: s.cfg.Book.Rules().Reasons}
	for _, e := range res.Entries {
		out.Entries = append(out.Entries, r.Row(e))
		if info, known := r.Reasons.Info(e.Reason); known && !info.Published && !e.Except {
			out.warn(fmt.Sprintf("%s is recorded and shown to operators, but answered only by zones that name it", info.Symbol))
		}
	}
	for _, c := range res.Changes {
		e := r.Event(c)
		out.Changes = append(out.Changes, e)
		switch {
		case e.Subject.IsValid():
			out.Addresses += e.Subject.Addresses()
		case e.Action == report.Dropped:
			out.Addresses += float64(c.SourceBefore.Entries) // nearly all are hosts
		}
	}
	if res.Repeated {
		out.warn("this was decided earlier under the same idempotency key; nothing was done again")
	}
	if !dry {
		out.EffectiveBy = s.effectiveBy(res)
		return out, nil
	}
	ctx := context.Background() // a look, which nobody waits to end
	reach, err := s.reach(ctx)
	if err == nil {
		out.Inside, err = reach.Changes(ctx, out.Changes)
	}
	return out, err
}

// reach gathers what changes touch.
func (s *Server) reach(ctx context.Context) (*report.Reach, error) {
	var senders report.Senders
	if s.cfg.Sensor != nil {
		senders = s.cfg.Sensor.Clean
	}
	return report.NewReach(ctx, s.cfg.Book, senders)
}

func (o *Outcome) warn(sentence string) {
	for _, w := range o.Warnings {
		if w == sentence {
			return
		}
	}
	o.Warnings = append(o.Warnings, sentence)
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
	if s.cfg.Zones == nil {
		return 0, 0
	}
	for _, z := range s.cfg.Zones() {
		listed, unlisted = max(listed, z.TTL), max(unlisted, z.NegativeTTL)
	}
	return listed, unlisted
}

func (s *Server) longestTTL() listing.Life {
	listed, unlisted := s.longestTTLs()
	return max(listed, unlisted)
}
