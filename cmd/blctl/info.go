package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"dnsbld/cmd/help"
	"dnsbld/ctl"
	"dnsbld/listing"
)

// version is set by the release build.
var version = "development"

// version prints it; the daemon has its own, which status prints.
func (p *program) version(*input) error {
	p.human.printf("blctl %s\n", help.Version(version))
	return p.conclude("version", struct {
		Version string `json:"version"`
	}{help.Version(version)}, nil)
}

// reasons prints the catalogue that the daemon runs with, strongest first: of
// several reasons for an address, the first is answered first.
func (p *program) reasons(ctx context.Context, _ *input) error {
	all, err := p.client.Reasons(ctx)
	if err != nil {
		return err
	}
	return each(p, "reasons", all, func(r listing.ReasonInfo) []string {
		life := "given, at most " + r.Longest.String()
		if r.Base > 0 {
			life = r.Base.String()
		}
		return []string{fmt.Sprintf("127.0.0.%d", r.Code), clean(r.Symbol), life, "delist: " + string(r.SelfDelist), shadow(r.Published), clean(r.Text)}
	})
}

// shadow marks what no zone answers that does not name it.
func shadow(published bool) string {
	if published {
		return ""
	}
	return "shadow"
}

// stats prints numbers, each under a name that can be searched for.
func (p *program) stats(ctx context.Context, in *input) error {
	s, err := p.client.Stats(ctx)
	if err != nil {
		return err
	}
	var t table
	row := func(name string, n int, remark string) { t = append(t, []string{name, strconv.Itoa(n), remark}) }
	row("answered by DNS", s.Answered.Hosts+s.Answered.Prefixes, fmt.Sprintf("%s, %s",
		plural(s.Answered.Hosts, "host", "hosts"), plural(s.Answered.Prefixes, "prefix", "prefixes")))
	row("entries in force", s.Entries, fmt.Sprintf("%d of them end within a day", s.Expiring))
	row("exceptions", s.Excepts, "")
	row("allow entries", s.Allows, "")
	for _, r := range s.Reasons {
		row("reason "+clean(r.Name), r.Entries, shadow(r.Published))
	}
	for _, source := range s.Sources {
		name := "source " + clean(source.Name)
		if source.Name == "" {
			name = "of its own"
		}
		row(name, source.Entries, "")
	}
	if in.Bool("top") {
		err = p.topAsked(s.Asked)
	} else {
		err = p.human.table(append(t, queries(s.DNS)...))
	}
	if err != nil {
		return err
	}
	return p.conclude("stats", s, nil)
}

// topAsked are the listings that were asked for most.
func (p *program) topAsked(a *ctl.Asked) error {
	if a == nil {
		return invalid("no-hits", "queries are not counted here", "ask a running dnsbld: leave --offline out")
	}
	if len(a.Top) == 0 {
		p.human.printf("DNS was asked for nothing that is listed since %s\n", stamp(a.Since))
	}
	t := p.human.tableOf(tables()["stats"])
	for _, l := range a.Top {
		if err := t.row(l.Subject.Text(), clean(l.Reason), times(l.Hits), "last "+relative(l.LastHit, p.now())); err != nil {
			return err
		}
	}
	return t.Flush()
}

// times is how often something was asked for: an estimate where a server is busy.
func times(n uint64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("about %d times", n)
}

// askedFor says how often a listing was asked for, and when last.
func (p *program) askedFor(n uint64, last time.Time) string {
	if n == 0 {
		return "DNS was not asked, as far as is known"
	}
	return "DNS was asked " + times(n) + ", last " + minute(last) + " (" + relative(last, p.now()) + ")"
}

// queries are what people want to know of DNS: how many came, and what was answered.
// The other counters are for --json and for monitoring.
func queries(dns any) (rows table) {
	doors, _ := dns.(map[string]any)
	for _, door := range []string{"udp", "tcp"} {
		counts, _ := doors[door].(map[string]any)
		for _, kind := range []string{"queries", "listed", "nxdomain"} {
			if n, ok := counts[kind].(float64); ok {
				rows = append(rows, []string{kind + " " + door, strconv.FormatFloat(n, 'f', -1, 64), "since the start"})
			}
		}
	}
	return rows
}
