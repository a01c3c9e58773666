package wildcard

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"dnsbld/listing"
)

func plain(r listing.Reason, s listing.Subject) string {
	return fmt.Sprintf("%s is listed for %d", s.Text(), r)
}

// owned is what a name owns in a zone, in which every other entry has a text of
// its own.
func owned(says Answers) (o Owned) {
	for _, a := range says {
		s := listing.Subject{Prefix: a.Prefix}
		text := plain(a.Reason, s)
		if a.Prefix.Bits()%2 > 0 {
			text = fmt.Sprintf("$%d: look at https://bl.example/%s", a.Reason, s.Text())
		}
		o.Reasons, o.Texts = append(o.Reasons, a.Reason), append(o.Texts, text)
	}
	return o
}

// answers are the reasons and texts of an address, sorted.
func (o Owned) answers() string {
	slices.Sort(o.Reasons)
	slices.Sort(o.Texts)
	return fmt.Sprint(o.Reasons, o.Texts)
}

// list makes the entries of a zone a list, which also knows what was taken of
// each prefix.
func (t *Taken) list(tb interface{ Fatalf(string, ...any) }) (l entries, texts map[string]string) {
	texts = map[string]string{}
	for e, err := range t.Entries {
		if err != nil {
			tb.Fatalf("%v", err)
		}
		key := fmt.Sprint(e.Subject, e.Reason, e.Except)
		if _, twice := texts[key]; twice {
			tb.Fatalf("%s is there twice", key)
		}
		texts[key] = e.PublicNote
		l = append(l, entry{e.Subject.Prefix, e.Reason, e.Except})
	}
	return l, texts
}

// said is what a list that was taken answers about an address.
func (l entries) said(a netip.Addr, texts map[string]string) string {
	var o Owned
	for _, x := range l.Says(netip.PrefixFrom(a, a.BitLen())) {
		s := listing.Subject{Prefix: x.Prefix}
		text := texts[fmt.Sprint(s, x.Reason, false)]
		if text = Expand(text, s.Text()); text == "" {
			text = plain(x.Reason, s)
		}
		o.Reasons, o.Texts = append(o.Reasons, x.Reason), append(o.Texts, text)
	}
	return o.answers()
}

// around draws addresses at and near the prefixes of lists.
func around(lists ...entries) (all []netip.Addr) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, e := range slices.Concat(lists...) {
		for k := range 24 {
			b := e.prefix.Addr().AsSlice()
			for range k % 4 {
				bit := max(0, min(8*len(b)-1, e.prefix.Bits()+random.IntN(9)-4))
				if k > 8 {
					bit = random.IntN(8 * len(b))
				}
				b[bit/8] ^= 0x80 >> (bit % 8)
			}
			a, _ := netip.AddrFromSlice(b)
			all = append(all, a)
		}
	}
	return all
}

// taken is a zone put into a Taken, in any order.
func takenFrom(t *rapid.T, z served) *Taken {
	back := &Taken{Plain: plain}
	names := slices.Sorted(maps.Keys(z.owns))
	if rapid.Bool().Draw(t, "backwards") {
		slices.Reverse(names)
	}
	for _, name := range names {
		if err := back.Put(name, owned(z.owns[name])); err != nil {
			t.Fatalf("%v", err)
		}
	}
	return back
}

// A list that is rendered and taken again answers alike, texts too.
func TestTakenAnswersAlike(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := lists().Draw(t, "list")
		z := serve(t, Names{List: list, Exact: netip.MustParsePrefix("127.0.0.0/24")})
		back, texts := takenFrom(t, z).list(t)
		for _, a := range around(list) {
			if special(a) {
				continue
			}
			says, _ := z.ask(nameOf(a))
			if want, got := owned(says).answers(), back.said(a, texts); got != want {
				t.Fatalf("%s: %s, want %s\nzone %v\ntaken %v", a, got, want, z.owns, back)
			}
		}
	})
}

// special reports whether an IPv6 address answers as an IPv4 one.
func special(a netip.Addr) bool {
	return a.Is4In6() || netip.MustParsePrefix("2002::/16").Contains(a)
}

// An IXFR laid over what was taken before gives the same as the whole zone.
func TestTakenChange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before, after := lists().Draw(t, "before"), lists().Draw(t, "changes")
		after = append(slices.Clone(before[:len(before)/2]), after...)
		old, now := serve(t, Names{List: before}), serve(t, Names{List: after})
		next := &Taken{Plain: plain}
		change := func(name string, removed bool, o Owned) {
			for _, part := range []Owned{{Reasons: o.Reasons}, {Texts: o.Texts}} {
				if len(part.Reasons)+len(part.Texts) > 0 || len(o.Reasons) == 0 {
					if err := next.Change(name, removed, part); err != nil {
						t.Fatalf("%v", err)
					}
				}
			}
		}
		for name, says := range old.owns {
			if is, there := now.owns[name]; !there || !same(is, says) {
				change(name, true, owned(says))
			}
		}
		for name, says := range now.owns {
			if was, there := old.owns[name]; !there || !same(was, says) {
				change(name, false, owned(says))
			}
		}
		var kept []listing.Entry
		for e := range takenFrom(t, old).Entries {
			kept = append(kept, e)
		}
		slices.SortFunc(kept, func(a, b listing.Entry) int { return a.Key.Compare(b.Key) })
		for n := range kept {
			next.Keep(&kept[n])
		}
		got, gotTexts := next.list(t)
		want, wantTexts := takenFrom(t, now).list(t)
		for _, a := range around(before, after) {
			if got.said(a, gotTexts) != want.said(a, wantTexts) {
				t.Fatalf("%s: %s, want %s\nfrom %v\nto %v", a, got.said(a, gotTexts), want.said(a, wantTexts), old.owns, now.owns)
			}
		}
		if !maps.Equal(gotTexts, wantTexts) {
			t.Fatalf("%v\nwant %v", gotTexts, wantTexts)
		}
	})
}

// Names that no list's zone can have are refused, by name.
func TestTakenRefuses(t *testing.T) {
	listed := Owned{Reasons: []listing.Reason{3}}
	for name, want := range map[string]string{
		"www": "is no name", "256.2.0.192": "is no name", "07.2.0.192": "is no name", "1.7.2.0.192": "is no name", "*.7.2.0.192": "is no name", "": "no whole address",
		"5.19.198": "no whole address", "*a": "is no name", "a.*": "is no name", "x.1": "is no name",
		"7.2.0.192": "", "*.2.0.192": "", "*": "", "*.7.0.0.3": "", "*.8.b.d.0.1.0.0.2": "", "*.2.0.0.2": "", strings.Repeat("0.", 28) + "2.0.0.2": "", strings.Repeat("0.", 31) + "2": "",
	} {
		back := &Taken{Plain: plain}
		err := back.Put(name, listed)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestExpand(t *testing.T) {
	for _, text := range []string{"192.0.2.7 is listed", "$", "$$ for 192.0.2.7$", "no subject", ""} {
		if got := Expand(Shrink(text, "192.0.2.7"), "192.0.2.7"); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

// A name changes as often as a primary likes, and what is kept of that stays small.
func TestTakenRefusesManyChanges(t *testing.T) {
	next := &Taken{Plain: plain}
	var err error
	for n := 0; n < 10_000 && err == nil; n++ {
		err = next.Change("7.2.0.192", false, Owned{Texts: []string{fmt.Sprint(n)}})
	}
	if err == nil || !strings.Contains(err.Error(), "changes more than 1000 times") {
		t.Errorf("%v", err)
	}
}
