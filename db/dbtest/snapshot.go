package dbtest

import (
	"slices"
	"testing"
	"time"

	"dnsbld/listing"
)

func snapshotOneMoment(t *testing.T, b *fixture) {
	b.apply(list("192.0.2.1"), list("192.0.2.3"))
	b.replace(b.importing("feed"), fed("198.51.100.1"), fed("198.51.100.3"))
	b.view(func(s listing.Snapshot) {
		before := collect(t, s.Each(listing.Subject{}))
		var seen []listing.Entry
		for e, err := range s.Each(listing.Subject{}) {
			if err != nil {
				t.Fatal(err)
			}
			if len(seen) == 0 {
				done := make(chan bool)
				go func() { // not from inside: a view may keep a writer waiting
					defer close(done)
					r := b.importing("feed")
					r.ID = "beside"
					if _, err := b.Replace(t.Context(), r, these([]listing.Entry{fed("198.51.100.2")})); err != nil {
						t.Error(err)
					}
				}()
				<-done
			}
			seen = append(seen, e)
		}
		same(t, "seen while it changed", seen, before)
		if s.Revision() != 2 {
			t.Errorf("revision %d", s.Revision())
		}
	})
	if st := b.status(); st.Head != 3 || st.Sourced != 1 {
		t.Errorf("status %+v", st)
	}
}

func snapshotOrder(t *testing.T, b *fixture) {
	b.apply(list("192.0.2.0/24"), list("192.0.2.0"), list("192.0.2.77"), list("2001:db8::/48"), list("2001:db8::"))
	wide := fed("192.0.0.0/16")
	except := fed("192.0.2.0/25")
	except.Except = true
	text1 := fed("192.0.2.77")
	text1.PublicNote = "own text"
	text1.Reason = listing.BareIP
	b.replace(b.importing("b-feed"), wide, except, text1, fed("192.0.2.77"), fed("192.0.3.0"), fed("2001:db8::/32"))
	b.replace(b.importing("a-feed"), text1, fed("0.0.0.0"), fed("255.255.255.255"))
	b.view(func(s listing.Snapshot) {
		names := func(all []listing.Entry) (names []string) {
			for _, e := range all {
				names = append(names, e.Subject.Text()+" "+e.Source)
			}
			return names
		}
		same(t, "all", names(collect(t, s.Each(listing.Subject{}))), []string{"0.0.0.0 a-feed", "192.0.0.0/16 b-feed", "192.0.2.0/24 ", "192.0.2.0/25 b-feed",
			"192.0.2.0 ", "192.0.2.77 ", "192.0.2.77 a-feed", "192.0.2.77 b-feed", "192.0.2.77 b-feed", "192.0.3.0 b-feed", "255.255.255.255 a-feed",
			"2001:db8::/32 b-feed", "2001:db8::/48 ", "2001:db8:: "})
		same(t, "within", names(collect(t, s.Each(subject("192.0.2.0/24")))), []string{"192.0.2.0/24 ", "192.0.2.0/25 b-feed",
			"192.0.2.0 ", "192.0.2.77 ", "192.0.2.77 a-feed", "192.0.2.77 b-feed", "192.0.2.77 b-feed"})
		same(t, "within one", names(collect(t, s.Each(subject("2001:db8::/48")))), []string{"2001:db8::/48 ", "2001:db8:: "})
		same(t, "within all IPv4", len(collect(t, s.Each(subject("0.0.0.0/0")))), 11)
		same(t, "within all IPv6", len(collect(t, s.Each(subject("::/0")))), 3)
		covering, err := s.Covering(subject("192.0.2.77"))
		if err != nil {
			t.Fatal(err)
		}
		same(t, "covering", names(covering), []string{"192.0.0.0/16 b-feed", "192.0.2.0/24 ", "192.0.2.0/25 b-feed",
			"192.0.2.77 ", "192.0.2.77 a-feed", "192.0.2.77 b-feed", "192.0.2.77 b-feed"})
		covering, err = s.Covering(subject("2001:db8::/64"))
		if err != nil {
			t.Fatal(err)
		}
		same(t, "covering a prefix", names(covering), []string{"2001:db8::/32 b-feed", "2001:db8::/48 "})
		checkServed(t, s)
	})
}

// checkServed holds Served equal to Each.
func checkServed(t tester, s listing.Snapshot) {
	t.Helper()
	var want []listing.Served
	for _, e := range collect(t, s.Each(listing.Subject{})) {
		want = append(want, listing.Served{Key: e.Key, Except: e.Except, Until: e.Until, Text: e.PublicNote})
	}
	got := collect(t, s.Served())
	if n := slices.IndexFunc(got, func(e listing.Served) bool { return e.Source != "" }); n >= 0 {
		if slices.ContainsFunc(got[n:], func(e listing.Served) bool { return e.Source == "" }) {
			t.Fatal("an entry of this list's own is served after those of a source")
		}
	}
	slices.SortFunc(got, func(a, b listing.Served) int { return compareKeys(a.Key, b.Key) })
	same(t, "served", got, want)
}

func snapshotStops(t *testing.T, b *fixture) {
	b.apply(list("192.0.2.1"), list("192.0.2.2"))
	b.apply(delist("192.0.2.1"))
	b.replace(b.importing("feed"), fed("198.51.100.1"), fed("198.51.100.2"), fed("2001:db8::1"), fed("2001:db8::2"))
	b.view(func(s listing.Snapshot) {
		for range 5 {
			stop(t, s.Each(listing.Subject{}))
			stop(t, s.Served())
			stop(t, s.History(subject("192.0.2.1")))
		}
		func() { // a panic of the reader is the reader's
			defer func() {
				if recover() != "mine" {
					t.Error("the panic of a reader was taken for one of the store")
				}
			}()
			for range s.Each(listing.Subject{}) {
				panic("mine")
			}
		}()
	})
	stop(t, b.Changes(t.Context(), 0))
	if b.apply(list("192.0.2.9")).Revision != 4 {
		t.Error("not revision 4")
	}
}

func stop[T any](t *testing.T, seq func(func(T, error) bool)) {
	t.Helper()
	n := 0
	for _, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 1 {
			break
		}
	}
	if n != 1 {
		t.Errorf("%d before the stop", n)
	}
}

func history(t *testing.T, b *fixture) {
	at := subject("192.0.2.1")
	b.apply(list("192.0.2.1"), list("192.0.2.2"))                                                   // 1
	b.apply(listing.Edit{Op: listing.OpAllow, Allow: &listing.Allow{Subject: at, Owner: "bob"}})    // 2
	b.replace(b.importing("feed"), fed("192.0.2.1"), fed("192.0.2.9"))                              // 3
	b.replace(b.importing("feed"), fed("192.0.2.1"))                                                // 4: nothing here
	b.apply(delist("192.0.2.1"), list("192.0.2.1"))                                                 // 5: twice
	b.now = b.now.Add(time.Hour)                                                                    //
	b.replace(b.importing("feed"), fed("192.0.2.7"))                                                // 6: gone
	b.apply(listing.Edit{Op: listing.OpEndSource, Source: "feed"})                                  // 7: nothing here
	b.replace(b.importing("feed"), fed("192.0.2.1"), fed("192.0.2.0/24"))                           // 8
	b.apply(listing.Edit{Op: listing.OpEndSource, Source: "feed", Because: listing.OperatorChoice}) // 9: ends with it
	b.replace(b.importing("feed"), fed("192.0.2.0/24"))                                             // 10
	b.view(func(s listing.Snapshot) {
		var got []string
		for _, c := range collect(t, s.History(at)) {
			if c.Last || c.Header.Actor != "alice" {
				t.Errorf("last %v, actor %s", c.Last, c.Header.Actor)
			}
			how := "altered"
			switch {
			case c.Before == nil && c.AllowBefore == nil && c.SourceBefore == nil:
				how = "began"
			case c.After == nil && c.AllowAfter == nil && c.SourceAfter == nil:
				how = "ended"
			}
			got = append(got, text(c.Revision)+" "+string(c.Kind)+" "+how)
		}
		same(t, "history", got, []string{"1 entry began", "2 allow began", "3 entry began", "5 entry ended", "5 entry began",
			"6 entry ended", "8 entry began", "9 source ended"})
		if n := len(collect(t, s.History(subject("192.0.2.0/24")))); n != 3 {
			t.Errorf("%d changes of the prefix", n)
		}
		if n := len(collect(t, s.History(subject("203.0.113.1")))); n != 0 {
			t.Errorf("%d changes of what never was", n)
		}
	})
}
