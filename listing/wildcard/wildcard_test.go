package wildcard

import (
	"cmp"
	"iter"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"dnsbld/listing"
)

// entry is a line of a list in these tests: with reason 0 it hides its prefix.
type entry struct {
	prefix netip.Prefix
	reason listing.Reason
	except bool
}

// entries are a List by the plainest reading of its rules: per reason the
// longest prefix decides, and what is hidden is not listed.
type entries []entry

func (l entries) Inside(p netip.Prefix) iter.Seq[netip.Prefix] {
	seen := map[netip.Prefix]bool{}
	for _, e := range l {
		if e.prefix.Bits() >= p.Bits() && p.Contains(e.prefix.Addr()) {
			seen[e.prefix] = true
		}
	}
	return slices.Values(slices.SortedFunc(maps.Keys(seen), func(a, b netip.Prefix) int {
		return cmp.Or(a.Addr().Compare(b.Addr()), a.Bits()-b.Bits())
	}))
}

func (l entries) Says(p netip.Prefix) (all Answers) {
	longest := map[listing.Reason]entry{}
	for _, e := range l {
		if e.prefix.Bits() > p.Bits() || !e.prefix.Contains(p.Addr()) {
			continue
		}
		if e.reason == 0 {
			return nil
		}
		if old, is := longest[e.reason]; !is || e.prefix.Bits() > old.prefix.Bits() {
			longest[e.reason] = e
		}
	}
	for _, r := range slices.Sorted(maps.Keys(longest)) {
		if e := longest[r]; !e.except {
			all = append(all, Answer{Reason: r, Prefix: e.prefix})
		}
	}
	return all
}

// served is a zone as a name server holds it.
type served struct {
	owns   map[string]Answers
	exists map[string]bool
}

func serve(t interface{ Fatalf(string, ...any) }, n Names) served {
	z := served{map[string]Answers{}, map[string]bool{"": true}}
	for o := range n.All {
		if _, twice := z.owns[o.Name]; twice {
			t.Fatalf("%s is there twice", o.Name)
		}
		z.owns[o.Name] = o.Says
	}
	for name := range z.owns {
		for ; name != ""; _, name, _ = strings.Cut(name, ".") {
			z.exists[name] = true
		}
	}
	return z
}

// ask is RFC 1034, section 4.3.2, with RFC 4592.
func (z served) ask(name string) (says Answers, exists bool) {
	if z.exists[name] {
		return z.owns[name], true
	}
	encloser := name
	for !z.exists[encloser] {
		_, encloser, _ = strings.Cut(encloser, ".")
	}
	says, exists = z.owns[star(encloser)]
	return says, exists
}

func nameOf(a netip.Addr) string {
	way := path(netip.PrefixFrom(a, a.BitLen()))
	return way[len(way)-1].name
}

func parse(t testing.TB, text string) (all entries) {
	t.Helper()
	for line := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == '\n' }) {
		f := append(strings.Fields(line), "")
		if f[0] == "" {
			continue
		}
		e := entry{reason: 3}
		if a, err := netip.ParseAddr(f[0]); err == nil {
			e.prefix = netip.PrefixFrom(a, a.BitLen())
		} else {
			e.prefix = netip.MustParsePrefix(f[0])
		}
		switch f[1] {
		case "except":
			e.except = true
		case "hidden":
			e.reason = 0
		case "too":
			e.reason = 5
		}
		all = append(all, e)
	}
	return all
}

func TestSizes(t *testing.T) {
	for list, want := range map[string]int{
		"": 0, "198.19.0.1": 1, "198.19.0.0/24": 1, "198.19.0.0/16": 1, "198.0.0.0/8": 1, "198.19.0.2/31": 2, "198.19.2.0/23": 2,
		"198.19.0.8/29": 8, "198.19.0.0/25": 128, "198.0.0.0/9": 128, "0.0.0.0/0": 17_777, "2001:db8::/32": 1, "2001:db8::/33": 8, "2001:db8::/47": 2,
		"198.19.0.0/16, 198.19.5.7 too": 3, "198.0.0.0/8, 198.19.5.7 too": 4, "198.19.0.0/16, 198.19.5.7 except": 3,
		"198.19.0.0/16, 198.19.5.0/24 except": 2, "198.19.0.0/16, 198.19.5.0/25 except": 1 + 1 + 128, "2001:db8::/32, 2001:db8::7 too": 25,
		"198.19.0.0/16, 198.19.5.0/24 hidden": 2, "198.19.5.7, 198.19.0.0/16 hidden": 0,
		"2.6.0.0/24": 17, "2.6.0.0/16": 177, "2.6.0.0/24, 2600::/12": 17 + 10,
	} {
		if z := serve(t, Names{List: parse(t, list)}); len(z.owns) != want {
			t.Errorf("%s: %d owners, want %d: %v", list, len(z.owns), want, slices.Sorted(maps.Keys(z.owns)))
		}
	}
}

// An address that must not exist has no wildcard above it.
func TestExact(t *testing.T) {
	n := Names{List: parse(t, "0.0.0.0/0, 127.0.0.1 except"), Exact: netip.MustParsePrefix("127.0.0.0/24")}
	z := serve(t, n)
	for name, want := range map[string][2]bool{"1.0.0.127": {false, false}, "2.0.0.127": {true, true}, "255.0.0.127": {true, true}, "1.1.0.127": {true, true}} {
		if says, exists := z.ask(name); exists != want[0] || (len(says) > 0) != want[1] {
			t.Errorf("%s: %v, exists %t", name, says, exists)
		}
	}
}

// A name of another zone closes the wildcard above it, and nothing of the list
// is at it or below.
func TestFixed(t *testing.T) {
	list := parse(t, "198.0.0.0/8, 198.19.5.7 too, 198.19.5.0/24, 198.19.0.0/16, a000::/4")
	z := serve(t, Names{List: list, Fixed: Fixed{"5.19.198": true, "a": false}})
	if _, is := z.owns["*.19.198"]; !is || z.owns["7.5.19.198"] != nil || z.owns["*.5.19.198"] != nil {
		t.Errorf("%v", slices.Sorted(maps.Keys(z.owns)))
	}
}

// lists draws prefixes that are near each other, and near in their names.
func lists() *rapid.Generator[entries] {
	bases := []netip.Addr{netip.MustParseAddr("198.19.5.7"), netip.MustParseAddr("2.6.0.1"), netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("0.0.0.0"),
		netip.MustParseAddr("2600::"), netip.MustParseAddr("1006:2000::"), netip.MustParseAddr("2001:db8:19:5::7"), netip.MustParseAddr("7519:8000::1")}
	one := rapid.Custom(func(t *rapid.T) entry {
		a := near(t, rapid.SampledFrom(bases).Draw(t, "base"))
		bits := a.BitLen() - rapid.IntRange(0, a.BitLen()).Draw(t, "host bits")
		return entry{netip.PrefixFrom(a, bits).Masked(), rapid.SampledFrom([]listing.Reason{3, 3, 3, 5, 0}).Draw(t, "reason"), rapid.IntRange(0, 3).Draw(t, "except") == 0}
	})
	return rapid.Custom(func(t *rapid.T) entries { return rapid.SliceOfN(one, 0, 8).Draw(t, "list") })
}

// near flips up to two bits.
func near(t *rapid.T, a netip.Addr) netip.Addr {
	b := a.AsSlice()
	for _, bit := range rapid.SliceOfN(rapid.IntRange(0, a.BitLen()-1), 0, 2).Draw(t, "flipped") {
		b[bit/8] ^= 0x80 >> (bit % 8)
	}
	a, _ = netip.AddrFromSlice(b)
	return a
}

// Whole addresses answer from the zone as they do from the list.
func TestZoneAnswersAsList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := lists().Draw(t, "list")
		z := serve(t, Names{List: list, Exact: netip.MustParsePrefix("127.0.0.0/24")})
		random := rand.New(rand.NewPCG(1, 2))
		for _, e := range append(list, entry{prefix: netip.MustParsePrefix("127.0.0.1/32")}) {
			for range 20 {
				a := e.prefix.Addr()
				b := a.AsSlice()
				for k := random.IntN(4); k > 0; k-- { // inside, or beside a boundary
					bit := max(0, min(a.BitLen()-1, e.prefix.Bits()+random.IntN(9)-4))
					if k == 3 {
						bit = random.IntN(a.BitLen())
					}
					b[bit/8] ^= 0x80 >> (bit % 8)
				}
				a, _ = netip.AddrFromSlice(b)
				want := list.Says(netip.PrefixFrom(a, a.BitLen()))
				if got, _ := z.ask(nameOf(a)); !same(got, want) {
					t.Fatalf("%s: %v, want %v\n%v", a, got, want, z.owns)
				}
			}
		}
	})
}

// A difference, applied to the one zone, makes the other.
func TestDiff(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before, changes := lists().Draw(t, "before"), lists().Draw(t, "changes")
		after := slices.Clone(before)
		var at []netip.Prefix
		for _, c := range changes {
			at = append(at, c.prefix)
			after = append(after, c)
		}
		if len(after) > 0 && rapid.Bool().Draw(t, "less") {
			at = append(at, after[0].prefix)
			after = after[1:]
		}
		n := Names{List: before}
		next := Names{List: after}
		got, want := serve(t, n).owns, serve(t, next).owns
		removed, added, ok := n.Diff(next, at, 1<<30)
		if !ok {
			t.Fatalf("no difference")
		}
		for _, o := range removed {
			if says, is := got[o.Name]; !is || !same(says, o.Says) {
				t.Fatalf("removed %v, which was not there", o)
			}
			delete(got, o.Name)
		}
		for _, o := range added {
			if _, is := got[o.Name]; is {
				t.Fatalf("added %v, which is there", o)
			}
			got[o.Name] = o.Says
		}
		if !maps.EqualFunc(got, want, same) {
			t.Fatalf("%v\nwant %v", got, want)
		}
	})
}

func TestDiffSizes(t *testing.T) {
	for about, row := range map[string]struct {
		before, after  string
		removed, added int
	}{
		"host":                   {"", "198.19.5.7", 0, 1},
		"host in a /16":          {"198.19.0.0/16", "198.19.0.0/16, 198.19.5.7 too", 0, 2},
		"second host in that":    {"198.19.0.0/16, 198.19.5.7 too", "198.19.0.0/16, 198.19.5.7 too, 198.19.5.8 too", 0, 1},
		"excepted host":          {"198.19.0.0/16", "198.19.0.0/16, 198.19.5.7 except", 0, 2},
		"excepted /24":           {"198.19.0.0/16", "198.19.0.0/16, 198.19.5.0/24 except", 0, 1},
		"IPv6 host in a /47":     {"2001:db8::/47", "2001:db8::/47, 2001:db8::7 too", 0, 20},
		"host delisted":          {"198.19.0.0/16, 198.19.5.7 too", "198.19.0.0/16", 2, 0},
		"nothing that is served": {"198.19.0.0/16 hidden", "198.19.0.0/16 hidden, 198.19.5.7", 0, 0},
	} {
		before, after := parse(t, row.before), parse(t, row.after)
		var at []netip.Prefix
		for _, e := range append(slices.Clone(before), after...) {
			if slices.Contains(before, e) != slices.Contains(after, e) {
				at = append(at, e.prefix)
			}
		}
		removed, added, ok := Names{List: before}.Diff(Names{List: after}, at, 1000)
		if !ok || len(removed) != row.removed || len(added) != row.added {
			t.Errorf("%s: %v, %v", about, removed, added)
		}
	}
	if _, _, ok := (Names{List: entries{}}).Diff(Names{List: parse(t, "198.0.0.0/9")}, []netip.Prefix{netip.MustParsePrefix("198.0.0.0/9")}, 100); ok {
		t.Error("a difference of more than is wanted")
	}
}
