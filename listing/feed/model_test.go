package feed_test

import (
	"bufio"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"dnsbld/listing"
	"dnsbld/listing/feed"
)

// listing.Instant says what an address is listed for, and every format is read
// by a simple program that does what the format's own consumer does. Both must
// say the same of every address near a boundary.

// listedFor are the reasons an address is listed for.
func listedFor(reasons *listing.Reasons, all []listing.Entry, hide []listing.Subject, a netip.Addr) (codes []listing.Reason) {
	far := time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	i := listing.Instant{Rules: listing.Rules{Reasons: reasons}, Now: far.Add(-1)}
	for _, h := range hide {
		i.Allows = append(i.Allows, listing.Allow{Subject: h})
	}
	var covering []listing.Entry
	for _, e := range all {
		if e.Subject.Contains(a) {
			e.Until = far
			covering = append(covering, e)
		}
	}
	var s listing.Subject // without one, nothing is hidden: the never-list is not the feed's
	if hide != nil {
		s = listing.HostSubject(a)
	}
	for _, h := range listing.Answered(i.Resolve(s, covering)) {
		codes = append(codes, h.Reason)
	}
	slices.Sort(codes)
	return codes
}

// lists are entries close enough to each other that they matter to each other,
// with hidden prefixes, and the addresses to ask about.
func lists(t *rapid.T, reasons []listing.Reason, sources []string) (all []listing.Entry, hide []listing.Subject, ask []netip.Addr) {
	prefix := rapid.Custom(func(t *rapid.T) listing.Subject {
		base := rapid.SampledFrom([]string{"192.0.2.0", "192.0.3.0", "2.6.0.0", "2.6.12.0", "2001:db8::", "2001:db8:1::", "2600::"}).Draw(t, "base")
		a := netip.MustParseAddr(base)
		b := a.AsSlice()
		b[len(b)-1] = rapid.Byte().Draw(t, "low")
		a, _ = netip.AddrFromSlice(b)
		fewest := len(b)*8 - 14
		p, err := a.Prefix(rapid.IntRange(fewest, len(b)*8).Draw(t, "bits"))
		if err != nil {
			t.Fatal(err)
		}
		return listing.Subject{Prefix: p}
	})
	seen := map[listing.Key]bool{}
	for range rapid.IntRange(0, 12).Draw(t, "entries") {
		at := prefix.Draw(t, "subject")
		if len(all) > 0 && rapid.IntRange(0, 2).Draw(t, "again") == 0 {
			at = rapid.SampledFrom(all).Draw(t, "same").Subject
		}
		e := listing.Entry{Key: listing.Key{Subject: at, Reason: rapid.SampledFrom(reasons).Draw(t, "reason"),
			Source: rapid.SampledFrom(sources).Draw(t, "source")}, Except: rapid.IntRange(0, 2).Draw(t, "except") == 0}
		if !seen[e.Key] {
			seen[e.Key], all = true, append(all, e)
		}
	}
	slices.SortFunc(all, func(a, b listing.Entry) int { return a.Key.Compare(b.Key) })
	for range rapid.IntRange(0, 2).Draw(t, "hidden") {
		hide = append(hide, prefix.Draw(t, "hide"))
	}
	for _, s := range append(subjects(all), hide...) {
		lo, hi := s.Addr(), lastOf(s)
		ask = append(ask, lo, hi, lo.Prev(), hi.Next(), lo.Next().Next())
	}
	return all, hide, ask
}

func subjects(all []listing.Entry) (s []listing.Subject) {
	for _, e := range all {
		s = append(s, e.Subject)
	}
	return s
}

func lastOf(s listing.Subject) netip.Addr {
	b := s.Addr().AsSlice()
	for n := s.Bits(); n < len(b)*8; n++ {
		b[n/8] |= 0x80 >> (n % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// answerer says whether an address is listed, and where the format says so,
// what for.
type answerer func(a netip.Addr) (reasons []listing.Reason, listed bool)

// consumers read what was written.
var consumers = map[string]func(t *rapid.T, file string) answerer{
	"plain":           lineByLine(trieConsumer),
	"rbldnsd:ip4trie": lineByLine(trieConsumer),
	"rbldnsd:ip6trie": lineByLine(trieConsumer),
	"rbldnsd":         lineByLine(combinedConsumer),
	"postfix-cidr":    lineByLine(postfixConsumer),
	"nftables":        lineByLine(nftConsumer),
	"rpz":             lineByLine(rpzConsumer),
}

// lineByLine reads the file anew for each question.
func lineByLine(f func(t *rapid.T, file string, a netip.Addr) ([]listing.Reason, bool)) func(*rapid.T, string) answerer {
	return func(t *rapid.T, file string) answerer {
		return func(a netip.Addr) ([]listing.Reason, bool) { return f(t, file, a) }
	}
}

func TestWritersAgreeWithModel(t *testing.T) {
	reasons := catalogue(t)
	for format, consume := range consumers {
		t.Run(format, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				all, hide, ask := lists(t, []listing.Reason{2, 20, 23}, []string{"", "", "a", "b"})
				o := options(format)
				o.Reasons, o.Hide = reasons, hide
				var b strings.Builder
				w, err := feed.NewWriter(&b, o)
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range all {
					if err := w.Write(e); err != nil {
						t.Fatal(err)
					}
				}
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
				answer := consume(t, b.String())
				for _, a := range ask {
					if !a.IsValid() || (format == "rbldnsd:ip4trie" && a.Is6()) || (format == "rbldnsd:ip6trie" && a.Is4()) {
						continue
					}
					want := listedFor(reasons, all, hide, a)
					got, listed := answer(a)
					if listed != (len(want) > 0) || (got != nil && !slices.Equal(got, want)) {
						t.Fatalf("%s: want %v, got %v %v from\n%s", a, want, listed, got, b.String())
					}
				}
			})
		})
	}
}

// trieConsumer: the longest prefix counts.
func trieConsumer(t *rapid.T, file string, a netip.Addr) (_ []listing.Reason, listed bool) {
	longest := -1
	for line := range strings.Lines(file) {
		word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if word == "" || strings.ContainsAny(word[:1], "$#") || (word[0] == ':' && !strings.HasPrefix(word, "::")) {
			continue
		}
		word, except := strings.CutPrefix(word, "!")
		s, err := listing.ParseSubject(word)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if s.Contains(a) && s.Bits() > longest {
			longest, listed = s.Bits(), !except
		} else if s.Contains(a) && s.Bits() == longest {
			t.Fatalf("%q stands twice", word)
		}
	}
	return nil, listed
}

// combinedConsumer: every data set answers for itself.
func combinedConsumer(t *rapid.T, file string, a netip.Addr) (reasons []listing.Reason, listed bool) {
	for n, set := range strings.Split(file, "$DATASET ")[1:] {
		head, body, _ := strings.Cut(set, "\n")
		if strings.HasPrefix(head, "generic") {
			continue
		}
		var reason int
		if _, err := fmt.Sscanf(body, ":127.0.0.%d:", &reason); err != nil {
			t.Fatalf("data set %d: %v", n, err)
		}
		if _, in := trieConsumer(t, body, a); in && !slices.Contains(reasons, listing.Reason(reason)) {
			reasons = append(reasons, listing.Reason(reason))
		}
	}
	slices.Sort(reasons)
	return reasons, len(reasons) > 0
}

// postfixConsumer: the first match counts.
func postfixConsumer(t *rapid.T, file string, a netip.Addr) (_ []listing.Reason, listed bool) {
	for line := range strings.Lines(file) {
		if words := strings.Fields(line); words[0] != "#" && netip.MustParsePrefix(words[0]).Contains(a) {
			return nil, words[1] == "REJECT"
		}
	}
	return nil, false
}

// nftConsumer: a set of ranges, which must not overlap.
func nftConsumer(t *rapid.T, file string, a netip.Addr) (_ []listing.Reason, listed bool) {
	var set string
	for s := bufio.NewScanner(strings.NewReader(file)); s.Scan(); {
		if strings.HasPrefix(s.Text(), "add element") {
			set = s.Text()
		}
		element, ok := strings.CutPrefix(s.Text(), "\t")
		if !ok {
			continue
		}
		from, to, isRange := strings.Cut(strings.TrimSuffix(element, ","), "-")
		lo, err := listing.ParseSubject(from)
		if err != nil {
			t.Fatalf("%q: %v", s.Text(), err)
		}
		hi := lastOf(lo)
		if isRange {
			hi = netip.MustParseAddr(to)
		}
		if strings.Contains(set, "listed6") != lo.Addr().Is6() {
			t.Fatalf("%s in %s", element, set)
		}
		if lo.Addr().Compare(a) <= 0 && a.Compare(hi) <= 0 {
			if listed {
				t.Fatalf("%s overlaps in\n%s", element, file)
			}
			listed = true
		}
	}
	return nil, listed
}

// rpzConsumer: the longest prefix counts.
func rpzConsumer(t *rapid.T, file string, a netip.Addr) (_ []listing.Reason, listed bool) {
	longest := -1
	for line := range strings.Lines(file) {
		words := strings.Fields(line)
		name, ok := strings.CutSuffix(words[0], ".rpz-ip")
		if !ok {
			continue
		}
		bits, reversed, _ := strings.Cut(name, ".")
		labels := strings.Split(reversed, ".")
		slices.Reverse(labels)
		text := strings.Join(labels, ".")
		if slices.Contains(labels, "zz") || len(labels) == 8 {
			text = strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(strings.Join(labels, ":"), ":zz", "::"), "zz:", "::"), ":::", "::")
		}
		p, err := netip.ParsePrefix(text + "/" + bits)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if p.Contains(a) && p.Bits() > longest {
			longest, listed = p.Bits(), words[2] == "."
		}
	}
	return nil, listed
}

// owner is the name an address is asked for by (RFC 5782).
func owner(a netip.Addr) string {
	var labels []string
	for _, b := range a.AsSlice() {
		if a.Is4() {
			labels = append(labels, fmt.Sprint(b))
		} else {
			labels = append(labels, fmt.Sprintf("%x", b>>4), fmt.Sprintf("%x", b&15))
		}
	}
	slices.Reverse(labels)
	return strings.Join(labels, ".")
}
