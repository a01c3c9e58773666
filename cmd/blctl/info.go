package main

import (
	"context"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/report"
)

// version is set by the release build.
var version = "development"

// versionText is the version of this program and of the Go that built it.
func versionText() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return version
	}
	return version + " " + info.GoVersion
}

// version prints it; the daemon has its own, which status prints.
func (p *program) version(*input) error {
	p.human.printf("blctl %s\n", versionText())
	return p.conclude("version", struct {
		Version string `json:"version"`
	}{versionText()}, nil)
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

// status says how the daemon is. It is what scripts ask first, so it is cheap.
func (p *program) status(ctx context.Context, _ *input) error {
	s, err := p.client.Status(ctx)
	if err != nil {
		return err
	}
	var t table
	t.add("version", "%s", clean(s.Version))
	if !s.Started.IsZero() {
		t.add("up", "%s, since %s", s.Uptime, stamp(s.Started))
	}
	t.add("you are", "%s, %s", clean(s.User), clean(s.Role))
	served := "being served"
	if s.Served < s.Revision {
		served = p.human.paint(yellow, fmt.Sprintf("revision %d is being served", s.Served))
	}
	t.add("revision", "%d, %s", s.Revision, served)
	t.add("entries", "%d of its own, %d in sources", s.Store.Entries, s.Store.Sourced)
	t.add("store", "%s, %.1f MiB, %.1f MiB of it free", clean(s.Store.Path), float64(s.Store.Bytes)/(1<<20), float64(s.Store.Free)/(1<<20))
	if s.Store.ReadOnly {
		t.add("", "%s", p.human.paint(yellow, "served read-only: nothing can be changed"))
	}
	for _, z := range s.Zones {
		t.add("zone", "%s, TTL %s, negative %s", clean(z.Name), z.TTL, z.NegativeTTL)
		for _, s := range z.Secondaries {
			t.add("secondary", "%s", p.secondaryText(s, z.Serial))
		}
		if z.Mirror != nil {
			grade, text, _ := z.Mirror.Grade(p.now())
			t.add("mirror", "%s", p.human.paint(map[report.Grade]string{report.Warn: yellow, report.Fail: red}[grade], clean(text)))
		}
	}
	p.daemonRows(s, &t)
	for _, h := range s.Hidden {
		t.add("hidden", "%s by the allow entry for %s, owner %s", plural(h.Entries, "entry", "entries"), h.Subject.Text(), clean(h.Owner))
	}
	for _, r := range s.SourceRemovals {
		text := fmt.Sprintf("senders took %d of %d addresses out of it today", r.Removals, r.Cap)
		if r.Open {
			text = p.human.paint(red, text+": a person decides about further ones")
		}
		t.add("source "+clean(r.Source), "%s", text)
	}
	if s.Sensor != nil {
		p.sensorRows(s.Sensor, &t)
	}
	if err := p.human.table(t); err != nil {
		return err
	}
	return p.conclude("status", s, storeFailed(s.Store))
}

// storeFailed is the error of a list that takes nothing more, of which DNS answers what
// it has.
func storeFailed(s listing.Status) error {
	if s.Failed == "" {
		return nil
	}
	return &listing.Error{Kind: listing.ErrUnavailable, Code: "store-failed", Message: s.Failed,
		Hint: "DNS goes on as it was; look at the disk and the log, then restart dnsbld"}
}

// secondaryText says how far a secondary has been told of a zone.
func (p *program) secondaryText(s report.Secondary, now uint32) string {
	switch {
	case s.Answered.IsZero():
		return p.human.paint(yellow, fmt.Sprintf("%s has answered no NOTIFY %s", s.Address, clean(s.Error)))
	case s.Serial != now || s.Error != "":
		return p.human.paint(yellow, fmt.Sprintf("%s was told of serial %d at %s, %d behind %s", s.Address, s.Serial, stamp(s.Answered), now-s.Serial, clean(s.Error)))
	}
	return fmt.Sprintf("%s was told of serial %d", s.Address, s.Serial)
}

// daemonRows are the lines of status about the daemon itself: where it listens, the
// parts that are off though they should not be, and what somebody may have to see to:
// sources, tickets, the last backup, the last reload.
func (p *program) daemonRows(s ctl.Status, t *table) {
	for _, what := range slices.Sorted(maps.Keys(s.Listeners)) {
		t.add(clean(what), "%s", clean(strings.Join(s.Listeners[what], " ")))
	}
	for _, what := range slices.Sorted(maps.Keys(s.Parts)) {
		if state := s.Parts[what]; state != "ok" && !strings.HasSuffix(state, "is not set") {
			t.add(clean(what), "%s", p.human.paint(yellow, clean(state)))
		}
	}
	for _, source := range s.Sources {
		t.add("source "+clean(source.Name), "%s, imported %s, ends %s", plural(source.Entries, "entry", "entries"), relative(source.Refreshed, p.now()), p.ahead(source.Until))
	}
	if n := s.Tickets; n != nil && n.Open+n.Asked > 0 {
		t.add("tickets", "%d open, %d asked, the oldest since %s", n.Open, n.Asked, stamp(n.Oldest))
	} else if n != nil {
		t.add("tickets", "none is open")
	}
	if m := s.Mail; m != nil && m.Sent+m.Failed+uint64(m.Waiting) > 0 {
		text := fmt.Sprintf("%d sent to those who asked, %d waiting", m.Sent, m.Waiting)
		if m.Error != "" {
			text = p.human.paint(red, fmt.Sprintf("%s, %d given up: %s", text, m.GivenUp, clean(m.Error)))
		}
		t.add("mail", "%s", text)
	}
	switch {
	case s.Backup != nil:
		t.add("backup", "%s (%s), revision %d", stamp(s.Backup.At), relative(s.Backup.At, p.now()), s.Backup.Revision)
	case s.Reload != nil: // it is a daemon
		t.add("backup", "%s", p.human.paint(yellow, "none was taken"))
	}
	switch r := s.Reload; {
	case r == nil:
	case r.OK:
		t.add("configuration", "in force since %s", stamp(r.At))
	default:
		t.add("configuration", "%s: %s", p.human.paint(red, "not used, read "+stamp(r.At)), clean(r.Error))
	}
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
