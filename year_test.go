package house

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/index"
)

// year is a list over a year, and what was seen of it.
type year struct {
	*world
	feeds  map[string]map[string]bool // what the file of each feed has today
	spared []netip.Prefix             // ever delisted, excepted or allowed
	listed []listing.Subject          // lately, by operators
	undone []listing.Revision         // lately done, to be undone perhaps
	seen   []sample
	swept  int // sources found to have lost entries since they were refreshed
}

// sample is what DNS said about an address at an instant.
type sample struct {
	at    time.Time
	addr  netip.Addr
	codes []listing.Reason
}

// A year of everyday life: feeds come daily and change, or stay away until
// they lapse; operators list, extend, delist, except, allow and undo; what has
// an end ends. In the middle the disk is lost and a backup restored. All along
// DNS says what the files and commands ask for; in the end the audit chain
// holds, what is served is what a restart would serve, and the history tells
// of every sampled instant what was answered then.
func TestYear(t *testing.T) {
	y := &year{world: newWorld(t, 2026), feeds: map[string]map[string]bool{"hosts": {}, "mixed": {}, "dated": {}}}
	days := 365
	if testing.Short() { // a feed that stays away, the lost disk in the middle and all else are in it
		// The middle is a Monday, as in the whole year: then files change.
		days = 154
	}
	var backup []byte
	for day := range days {
		y.feedsCome(day)
		for range 6 {
			y.passes(time.Duration(1+y.IntN(3*3600)) * time.Second)
			y.something()
		}
		y.sample()
		midnight := y.now.Truncate(24 * time.Hour).Add(24 * time.Hour)
		y.passes(midnight.Sub(y.now))
		switch {
		case day == days/2-2:
			backup = y.backup()
		case day == days/2: // two days are lost, and nobody ever sees their revisions again
			y.seen = slices.DeleteFunc(y.seen, func(s sample) bool { return s.at.After(midnight.Add(-48 * time.Hour)) })
			y.undone = nil
			y.restore(backup)
			y.passes(time.Second)
		case day%60 == 59:
			y.agree()
		}
	}
	y.agree()
	y.remembers()
	if y.swept == 0 {
		y.Error("no entry of a source ended before it")
	}
}

// Where the year takes place.
var (
	operators = netip.MustParsePrefix("192.0.2.0/26")
	ranges    = netip.MustParsePrefix("203.0.113.0/24")
	hosts     = netip.MustParsePrefix("198.18.0.0/19")
	hosts6    = netip.MustParsePrefix("2001:db8::/120")
	dated     = netip.MustParsePrefix("198.51.100.128/25") // the lines of its feed have ends of their own
)

// within is a random address of a prefix.
func (y *year) within(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for bit := p.Bits(); bit < 8*len(b); bit++ {
		b[bit/8] |= byte(y.IntN(2)) << (7 - bit%8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

func (y *year) anywhere() netip.Addr {
	return y.within([]netip.Prefix{operators, operators, ranges, hosts, hosts6, dated}[y.IntN(6)])
}

func subject(a netip.Addr, bits int) listing.Subject {
	return listing.Subject{Prefix: netip.PrefixFrom(a, bits).Masked()}
}

// feedsCome imports the files of the day. Every hundred days one of them stays
// away for twelve, which is longer than it is good for.
func (y *year) feedsCome(day int) {
	for _, name := range slices.Sorted(maps.Keys(y.feeds)) {
		if name == "mixed" && day%100 >= 88 {
			continue
		}
		file := y.feeds[name]
		if day%7 < 5 { // at weekends nothing changes
			y.churn(name, file)
		}
		text := strings.Join(slices.Concat(headers[name], slices.Sorted(maps.Keys(file))), "\n") + "\n"
		y.later(time.Minute)
		out, err := y.blctl.Import(y.Context(), ctl.Import{Import: listing.Import{Source: name, Replace: true, For: listing.Life(3 * listing.Day)},
			Reason: "imported", MinLines: 10, Format: map[bool]string{true: "csv"}[name == "dated"]}, strings.NewReader(text))
		if err != nil {
			y.Fatalf("%s: importing %s: %v", y.now, name, err)
		}
		if out.Lines != len(file) || out.Added+out.Altered+out.Kept+out.Over != len(file) {
			y.Fatalf("%s: a file of %d lines: %+v", y.now, len(file), out)
		}
		if day%7 >= 6 && out.Added+out.Removed+out.Altered > 0 && (name != "mixed" || day%100 > 0) {
			y.Fatalf("%s: the same file again: %+v", y.now, out)
		}
	}
}

// headers stand before the lines of a file.
var headers = map[string][]string{"dated": {"address,until"}}

// churn gives a file some new lines and takes some away.
func (y *year) churn(name string, file map[string]bool) {
	have, size := slices.Sorted(maps.Keys(file)), map[string]int{"hosts": 1500, "mixed": 60, "dated": 40}[name]
	for range (len(have) + 49) / 50 * map[bool]int{true: 6, false: 1}[name == "dated"] {
		delete(file, have[y.IntN(len(have))])
	}
	for len(file) < size {
		switch {
		case name == "hosts":
			file[y.within(hosts).String()] = true
		case name == "dated":
			a := y.within(dated).String() + ","
			if !slices.ContainsFunc(have, func(line string) bool { return strings.HasPrefix(line, a) }) {
				line := a + y.now.Add(time.Duration(1+y.IntN(10*86400))*time.Second).Format(time.RFC3339)
				have, file[line] = append(have, line), true
			}
		case y.IntN(4) == 0:
			file[subject(y.within(ranges), 26+y.IntN(7)).String()] = true
		default:
			file[y.within(hosts6).String()] = true
		}
	}
}

// something is what an operator does, at random.
func (y *year) something() {
	ctx, a, s := y.Context(), y.anywhere(), y.known()
	reason := []string{"helo-bare-ip", "helo-our-ip", "helo-rcpt-domain"}[y.IntN(3)]
	var out ctl.Outcome
	var err error
	switch y.IntN(12) {
	case 0, 1, 2:
		out, err = y.blctl.Add(ctx, listing.Add{Subject: listing.HostSubject(a), Reason: reason, HELO: a.String()})
	case 3:
		out, err = y.blctl.Add(ctx, listing.Add{Subject: listing.HostSubject(a), Reason: reason, For: listing.Life(time.Hour * time.Duration(1+y.IntN(72)))})
	case 4:
		out, err = y.blctl.Add(ctx, listing.Add{Subject: subject(y.within(ranges), 26+y.IntN(4)), Reason: "manual", Force: true, Note: "the whole of it"})
	case 5:
		y.spare(netip.PrefixFrom(a, a.BitLen()))
		out, err = y.blctl.Add(ctx, listing.Add{Subject: listing.HostSubject(a), Reason: "manual", Except: true})
	case 6, 7:
		y.spare(s.Prefix)
		out, err = y.blctl.Delist(ctx, listing.Delist{Subject: s, Because: y.because()})
	case 8:
		out, err = y.blctl.Expire(ctx, listing.Expire{Subject: s, In: listing.Life(time.Hour * time.Duration(1+y.IntN(48)))})
	case 9:
		p := subject(a, a.BitLen()-y.IntN(5))
		y.spare(p.Prefix)
		out, err = y.blctl.Permit(ctx, listing.Permit{Subject: p, Owner: "postmaster@example.test", Force: true, Note: "ours", Until: y.now.Add(time.Hour * time.Duration(1+y.IntN(200)))})
	case 10:
		if len(y.spared) > 0 {
			s.Prefix = y.spared[len(y.spared)-1-y.IntN(min(len(y.spared), 8))]
		}
		out, err = y.blctl.Permit(ctx, listing.Permit{Subject: s, Remove: true})
	default:
		if len(y.undone) > 0 {
			out, err = y.blctl.Undo(ctx, ctl.Undo{Revision: y.undone[y.IntN(len(y.undone))]})
		}
	}
	if y.may("a command", err) && out.Changed {
		for _, e := range out.Entries {
			y.listed = append(y.listed[max(0, len(y.listed)-30):], e.Subject)
		}
		y.undone = append(y.undone[max(0, len(y.undone)-20):], out.Revision)
	}
}

// known is a subject that an operator has dealt with lately, or that a feed has.
func (y *year) known() listing.Subject {
	if len(y.listed) > 0 && y.IntN(3) > 0 {
		return y.listed[y.IntN(len(y.listed))]
	}
	lines := slices.Sorted(maps.Keys(y.feeds[[]string{"hosts", "mixed"}[y.IntN(2)]]))
	s, err := listing.ParseSubject(lines[y.IntN(len(lines))])
	if err != nil {
		y.Fatal(err)
	}
	return s
}

func (y *year) spare(p netip.Prefix) {
	if !slices.Contains(y.spared, p) {
		y.spared = append(y.spared, p)
	}
}

func (y *year) because() listing.DelistReason {
	all := []listing.DelistReason{listing.FixedVerified, listing.FixedClaimed, listing.FalsePositive, listing.OurError, listing.IPReassigned}
	return all[y.IntN(len(all))]
}

// sample asks DNS about some addresses, and holds against it what follows from
// the files alone.
func (y *year) sample() {
	y.later(2 * time.Second) // history counts in whole ones
	ask := []netip.Addr{y.anywhere(), y.anywhere(), y.within(operators), y.within(hosts), y.known().Addr()}
	lines := slices.Sorted(maps.Keys(y.feeds["hosts"]))
	for range 20 {
		a := netip.MustParseAddr(lines[y.IntN(len(lines))])
		codes := y.answered(a)
		spared := slices.ContainsFunc(y.spared, func(p netip.Prefix) bool { return p.Contains(a) })
		if !spared && !slices.Contains(codes, listing.Imported) {
			y.Fatalf("%s: %s is in the feed of the day, and answered with %v", y.now, a, codes)
		}
	}
	for line := range y.feeds["dated"] {
		text, end, _ := strings.Cut(line, ",")
		until, _ := time.Parse(time.RFC3339, end)
		a := netip.MustParseAddr(text)
		codes := y.answered(a)
		spared := slices.ContainsFunc(y.spared, func(p netip.Prefix) bool { return p.Contains(a) })
		if listed := slices.Contains(codes, listing.Imported); listed != y.now.Before(until) && (listed || !spared) {
			y.Fatalf("%s: %s is in its feed until %s, and answered with %v", y.now, a, end, codes)
		}
	}
	for _, a := range append(ask, netip.MustParseAddr(lines[y.IntN(len(lines))])) {
		codes := y.answered(a)
		if hosts.Contains(a) && !y.feeds["hosts"][a.String()] && slices.Contains(codes, listing.Imported) {
			y.Fatalf("%s: %s has left its feed, and is answered with %v", y.now, a, codes)
		}
		y.seen = append(y.seen, sample{y.now, a, codes})
	}
	if codes := y.answered(netip.MustParseAddr("198.51.100.7")); codes != nil {
		y.Fatalf("%s: what was never listed is answered with %v", y.now, codes)
	}
	y.later(2 * time.Second)
}

// agree holds the audit chain, the store and what is served against each other.
func (y *year) agree() {
	y.Helper()
	ctx := y.Context()
	status, err := y.store.Status(ctx)
	if err != nil {
		y.Fatal(err)
	}
	verified, err := y.store.Verify(ctx)
	if err != nil || verified.Chain != status.Chain {
		y.Fatalf("the audit does not hold: %+v, %v", verified, err)
	}
	var rebuilt *index.Set
	var sources []listing.Source
	counted := [2]int{}
	if err := y.store.View(ctx, func(s listing.Snapshot) (err error) {
		for e, err := range s.Each(listing.Subject{}) {
			switch {
			case err != nil:
				return err
			case e.Source == "":
				counted[0]++
			default:
				counted[1]++
			}
		}
		if sources, err = s.Sources(); err != nil {
			return err
		}
		rebuilt, err = index.FromSnapshot(s)
		return err
	}); err != nil {
		y.Fatal(err)
	}
	for _, s := range sources {
		if s.Swept > s.Revision {
			y.swept++
		}
	}
	if counted != [2]int{status.Entries, status.Sourced} {
		y.Fatalf("%v entries, counted as %d and %d", counted, status.Entries, status.Sourced)
	}
	served := y.live.Set()
	if served.Revision() != rebuilt.Revision() {
		y.Fatalf("revision %d is served of %d", served.Revision(), rebuilt.Revision())
	}
	for range 4000 {
		a, now := y.anywhere(), y.Now()+uint32(y.IntN(5*86400)) // ends too are the same
		if got, want := fmt.Sprint(served.Lookup(a, now, nil)), fmt.Sprint(rebuilt.Lookup(a, now, nil)); got != want && !served.Allowed(a, now) {
			y.Fatalf("%s: served %s, stored %s", a, got, want)
		}
	}
}

// remembers asks the history about every sample.
func (y *year) remembers() {
	listed := 0
	if testing.Short() { // each costs as much as all that happened since
		y.Shuffle(len(y.seen), func(i, j int) { y.seen[i], y.seen[j] = y.seen[j], y.seen[i] })
		y.seen = y.seen[:len(y.seen)/4]
	}
	for _, s := range y.seen {
		then, err := y.blctl.HistoryAt(y.Context(), ctl.At{Subject: listing.HostSubject(s.addr), Time: s.at})
		if err != nil {
			y.Fatal(err)
		}
		var codes []listing.Reason
		for _, e := range then.Entries {
			if e.Lists && !slices.Contains(codes, e.Code) {
				codes = append(codes, e.Code)
			}
		}
		slices.Sort(codes)
		if !slices.Equal(codes, s.codes) {
			y.Errorf("%s at %s: answered %v then, remembered as %v\n%+v", s.addr, s.at, s.codes, codes, then.Entries)
		}
		if len(codes) > 0 {
			listed++
		}
	}
	if listed < len(y.seen)/5 || listed > len(y.seen)*4/5 {
		y.Errorf("%d of %d samples were listed: too few or too many to say much", listed, len(y.seen))
	}
}
