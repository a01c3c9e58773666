package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/report"
)

// filter reads the flags that narrow changes. Without --since they begin with
// the oldest that is kept.
func (in *input) filter() report.Filter {
	f := report.Filter{Since: in.time("since"), Until: in.time("until"), Actor: in.String("actor"), Reason: in.String("reason"),
		Within: in.within("within"), Source: in.String("source"), Ticket: in.String("ticket")}
	if f.Since.IsZero() {
		f.Since = time.Unix(0, 0)
	}
	if !f.Until.IsZero() && f.Until.Before(f.Since) {
		in.fail(usageError("--until is before --since"))
	}
	return f
}

// changes prints what changed, oldest first, or counts it. It is watch with an end,
// and narrowed: the daemon finds the revision of --since by halving.
func (p *program) changes(ctx context.Context, in *input) error {
	q := ctl.Watch{Once: true, Filter: in.filter()}
	if in.err != nil {
		return in.err
	}
	sum := summary{Actions: map[string]int{}, Reasons: map[string]int{}, Actors: map[string]int{}}
	out, flushed := bufio.NewWriterSize(p.stdout, 1<<16), time.Time{}
	for e, err := range p.client.Watch(ctx, q) {
		switch {
		case err != nil:
		case in.Bool("summary"):
			sum.add(e.Event)
		case p.json:
			if err = encode(out, e); err == nil && time.Since(flushed) > ctl.FlushEvery {
				err, flushed = out.Flush(), time.Now()
			}
		default:
			p.printEvent(e.Event)
		}
		if err != nil {
			return joinFlush(err, out)
		}
	}
	if in.Bool("summary") {
		return p.printSummary(sum)
	}
	return joinFlush(nil, out)
}

// summary counts changes for --summary: what the night's work was, in three short
// lists. A change that is about no entry has no reason.
type summary struct {
	Changes   int              `json:"changes"`
	Revisions int              `json:"revisions"`
	Addresses float64          `json:"addresses"` // in the prefixes of the changed entries
	Actions   map[string]int   `json:"actions"`
	Reasons   map[string]int   `json:"reasons"`
	Actors    map[string]int   `json:"actors"`
	First     listing.Revision `json:"first,omitempty"`
	Last      listing.Revision `json:"last,omitempty"`

	touched []listing.Subject
}

// add counts a change.
func (s *summary) add(e report.Event) {
	s.Changes++
	s.Actions[e.Action]++
	s.Actors[e.Actor]++
	if e.Reason != "" {
		s.Reasons[e.Reason]++
	}
	if e.Subject.IsValid() {
		s.touched = append(s.touched, e.Subject)
	}
	if e.Revision != s.Last {
		s.Revisions++
	}
	s.First, s.Last = cmp.Or(s.First, e.Revision), e.Revision
}

// printSummary prints the counts, the greatest first.
func (p *program) printSummary(s summary) error {
	h := p.human
	s.Addresses = listing.NewCover(s.touched...).Addresses()
	if s.Changes == 0 {
		h.printf("no changes\n")
	} else {
		h.printf("%d changes in %d revisions, %d to %d\n", s.Changes, s.Revisions, s.First, s.Last)
	}
	for _, by := range []struct {
		title  string
		counts map[string]int
	}{{"action", s.Actions}, {"reason", s.Reasons}, {"by", s.Actors}} {
		names := slices.SortedFunc(maps.Keys(by.counts), func(a, b string) int {
			return cmp.Or(by.counts[b]-by.counts[a], cmp.Compare(a, b))
		})
		for _, name := range names {
			h.printf("  %s\n", fmt.Sprintf("%-8s %-24s %d", by.title, clean(name), by.counts[name]))
		}
	}
	return p.conclude("changes", s, nil)
}
