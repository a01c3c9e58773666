package wildcard

import (
	"fmt"
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
		checkChange(t, recordsOf(serve(t, Names{List: before})), recordsOf(serve(t, Names{List: after})))
	})
}

// So does one of a zone that others made, whose names both families share.
func TestTakenChangeOfOthers(t *testing.T) {
	name := rapid.Custom(func(t *rapid.T) string {
		labels := rapid.SliceOfN(rapid.SampledFrom([]string{"0", "1", "2", "2", "10", "a"}), 1, 6).Draw(t, "labels")
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			return strings.Repeat("0.", 32-len(labels)) + strings.Join(labels, ".")
		case 1:
			return strings.Join(append(labels, "0", "1", "2", "2")[:4], ".")
		case 2:
			return strings.Join(labels, ".")
		}
		return "*." + strings.Join(labels, ".")
	})
	zones := rapid.MapOfN(name, rapid.SliceOfNDistinct(rapid.SampledFrom([]listing.Reason{3, 4, 5}), 0, 2, rapid.ID), 0, 12)
	rapid.Check(t, func(t *rapid.T) {
		old, now := map[string]Owned{}, map[string]Owned{}
		for name, reasons := range zones.Draw(t, "before") {
			old[name] = Owned{Reasons: reasons}
		}
		for name, reasons := range zones.Draw(t, "after") {
			now[name] = Owned{Reasons: reasons}
		}
		for _, name := range slices.Sorted(maps.Keys(old)) {
			if _, there := now[name]; !there && rapid.Bool().Draw(t, "stays") {
				now[name] = old[name]
			}
		}
		for _, zone := range []map[string]Owned{old, now} {
			maps.DeleteFunc(zone, func(name string, o Owned) bool {
				s, err := where(name, o)
				return err != nil || s.star && len(o.Reasons) == 0 // a marker stands at no wildcard
			})
		}
		checkChange(t, old, now)
	})
}

func recordsOf(z served) map[string]Owned {
	all := map[string]Owned{}
	for name, says := range z.owns {
		all[name] = owned(says)
	}
	return all
}

func takenOf(t *rapid.T, zone map[string]Owned) (all []listing.Entry) {
	back := &Taken{Plain: plain}
	for _, name := range slices.Sorted(maps.Keys(zone)) {
		if err := back.Put(name, zone[name]); err != nil {
			t.Fatal(err)
		}
	}
	for e := range back.Entries {
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b listing.Entry) int { return a.Key.Compare(b.Key) })
	return all
}

// changesOf is an IXFR from one zone to another: of each type the records of a name by
// themselves.
func changesOf(t *rapid.T, old, now map[string]Owned) *Taken {
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
	equal := func(a, b Owned) bool { return slices.Equal(a.Reasons, b.Reasons) && slices.Equal(a.Texts, b.Texts) }
	for name, o := range old {
		if is, there := now[name]; !there || !equal(is, o) {
			change(name, true, o)
		}
	}
	for name, o := range now {
		if was, there := old[name]; !there || !equal(was, o) {
			change(name, false, o)
		}
	}
	return next
}

func checkChange(t *rapid.T, old, now map[string]Owned) {
	here := takenOf(t, old)
	got := map[listing.Key]listing.Entry{}
	for _, e := range here {
		got[e.Key] = e
	}
	for e, err := range changesOf(t, old, now).Over(inside(here)) {
		was, is := got[e.Key]
		switch {
		case err != nil:
			t.Fatal(err)
		case is && was == e, !is && !e.Until.IsZero():
			t.Fatalf("%+v changes nothing", e)
		case e.Until.IsZero():
			got[e.Key] = e
		default:
			delete(got, e.Key)
		}
	}
	have, want := bySubject(maps.Values(got)), bySubject(slices.Values(takenOf(t, now)))
	for _, s := range slices.Concat(slices.Collect(maps.Keys(want)), slices.Collect(maps.Keys(have))) {
		if have[s] != want[s] {
			t.Fatalf("%v: %s, want %s\nfrom %v\nto %v", s, have[s], want[s], old, now)
		}
	}
}

// bySubject are the reasons and the texts at each prefix. Which of a name's texts goes with
// which of its reasons is not to be told where no text is the plain one.
func bySubject(all iter.Seq[listing.Entry]) map[listing.Subject]string {
	at := map[listing.Subject][2][]string{}
	for e := range all {
		x := at[e.Subject]
		x[0], x[1] = append(x[0], fmt.Sprint(e.Reason, e.Except)), append(x[1], e.PublicNote)
		at[e.Subject] = x
	}
	texts := map[listing.Subject]string{}
	for s, x := range at {
		slices.Sort(x[0])
		slices.Sort(x[1])
		texts[s] = fmt.Sprint(x)
	}
	return texts
}

// inside is Here of entries in order.
func inside(all []listing.Entry) Here {
	return func(s listing.Subject) iter.Seq2[listing.Entry, error] {
		return func(yield func(listing.Entry, error) bool) {
			from, _ := slices.BinarySearchFunc(all, s, func(e listing.Entry, s listing.Subject) int { return e.Subject.Compare(s) })
			for _, e := range all[from:] {
				if !s.Contains(e.Subject.Addr()) || !yield(e, nil) {
					return
				}
			}
		}
	}
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
