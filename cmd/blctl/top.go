package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/report"
)

// reading is what top shows at one time. Counters are since the start of the daemon;
// a rate takes two readings.
type reading struct {
	Time      time.Time         `json:"time"`
	Queries   float64           `json:"queries"`
	PerSecond float64           `json:"queries_per_second"` // since the last reading, or the start
	Answers   map[string]uint64 `json:"answers"`            // by what they say
	Reasons   []ctl.Count       `json:"reasons"`            // with the most entries
	Networks  []ctl.Count       `json:"networks"`
	Changes   []report.Event    `json:"changes"` // newest first
	Revision  listing.Revision  `json:"revision"`
}

const (
	shownTop       = 5
	lookedAt       = 50 // revisions among which the newest changes are sought
	usualInterval  = 5 * time.Second
	clearAndToHome = "\x1b[H\x1b[2J" // ECMA-48: cursor to the first column of the first line, erase the display
)

// top shows what happens, again and again on a terminal.
func (p *program) top(ctx context.Context, in *input) error {
	interval := cmp.Or(in.life("interval").Duration(), usualInterval)
	if in.err != nil {
		return in.err
	}
	once := in.Bool("once") || p.json || !isTerminal(p.stdout)
	last, err := p.read(ctx, reading{})
	for err == nil {
		if !once {
			p.human.printf("%s", clearAndToHome)
		}
		p.printTop(last)
		if once {
			return p.conclude("top", last, nil)
		}
		pause(ctx, interval)
		if ctx.Err() != nil {
			return nil // to be interrupted is how it ends
		}
		last, err = p.read(ctx, last)
	}
	return err
}

// read takes a reading, with rates since the one before.
func (p *program) read(ctx context.Context, before reading) (r reading, err error) {
	status, err := p.client.Status(ctx)
	if err != nil {
		return r, err
	}
	stats, err := p.client.Stats(ctx)
	if err != nil {
		return r, err
	}
	r = reading{Time: p.now().UTC(), Answers: map[string]uint64{}, Reasons: most(stats.Reasons), Networks: most(stats.Networks), Revision: status.Revision}
	doors, _ := stats.DNS.(map[string]any)
	for _, door := range []string{"udp", "tcp"} {
		counts, _ := doors[door].(map[string]any)
		for kind, n := range counts {
			switch n, _ := n.(float64); kind {
			case "queries":
				r.Queries += n
			case "silence", "truncated", "wire": // no answers, or answers once more
			default:
				r.Answers[kind] += uint64(n)
			}
		}
	}
	since := cmp.Or(before.Time, status.Started)
	if seconds := r.Time.Unix() - since.Unix(); seconds > 0 {
		r.PerSecond = (r.Queries - before.Queries) / float64(seconds)
	}
	r.Changes, err = p.newest(ctx, status.Revision)
	return r, err
}

// most are the greatest of some counts.
func most(counts []ctl.Count) []ctl.Count {
	counts = slices.Clone(counts)
	slices.SortStableFunc(counts, func(a, b ctl.Count) int { return cmp.Compare(b.Entries, a.Entries) })
	return list(counts[:min(len(counts), shownTop)])
}

// newest are the last changes of the list, newest first.
func (p *program) newest(ctx context.Context, head listing.Revision) ([]report.Event, error) {
	after := head - min(head, lookedAt)
	found := []report.Event{}
	for e, err := range p.client.Watch(ctx, ctl.Watch{Once: true, After: &after}) {
		if err != nil {
			return nil, err
		}
		if found = append(found, e.Event); len(found) > shownTop {
			found = found[1:]
		}
	}
	slices.Reverse(found)
	return found, nil
}

// printTop draws a reading on a screen of 80 columns and 24 lines.
func (p *program) printTop(r reading) {
	h := p.human
	cut := (&screen{program: p}).fitting
	h.printf("%s  revision %d  %.0f queries, %.1f a second\n", stamp(r.Time), r.Revision, r.Queries, r.PerSecond)
	var answers []string
	for _, kind := range slices.SortedFunc(maps.Keys(r.Answers), func(a, b string) int {
		return cmp.Or(cmp.Compare(r.Answers[b], r.Answers[a]), cmp.Compare(a, b))
	}) {
		if n := r.Answers[kind]; n > 0 {
			answers = append(answers, fmt.Sprintf("%s %d", clean(kind), n))
		}
	}
	h.printf("%s\n", cut("answers   "+strings.Join(answers, ", "), usualWidth))
	for _, part := range []struct {
		label  string
		counts []ctl.Count
	}{{"reasons", r.Reasons}, {"networks", r.Networks}} {
		h.printf("\n%s\n", h.paint(bold, part.label))
		for _, c := range part.counts {
			h.printf("  %-32s %d\n", clean(c.Name), c.Entries)
		}
	}
	h.printf("\n%s\n", h.paint(bold, "newest changes"))
	plain := *p
	plain.human.colour = false
	for _, e := range r.Changes {
		h.printf("%s\n", cut(fmt.Sprintf("  %s  %s  %s", minute(e.Time), clean(e.Actor), plain.sentence(e)), usualWidth))
	}
}
