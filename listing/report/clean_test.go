package report

import (
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"dnsbld/listing"
	"dnsbld/listing/sighting"
)

func subject(text string) listing.Subject {
	s, err := listing.ParseSubject(text)
	if err != nil {
		panic(err)
	}
	return s
}

// few are senders close to each other, so that prefixes hold some.
func few(t *rapid.T) (all []sighting.Sender) {
	seen := map[listing.Subject]bool{}
	for range rapid.IntRange(0, 30).Draw(t, "senders") {
		n := rapid.Byte().Draw(t, "host")
		s := subject(rapid.SampledFrom([]string{fmt.Sprintf("192.0.2.%d", n), fmt.Sprintf("2001:db8::%x", n), fmt.Sprintf("2001:db8:0:%x::/64", n%4)}).Draw(t, "sender"))
		if !seen[s] {
			seen[s] = true
			all = append(all, sighting.Sender{Subject: s, Sessions: 1 + int(n)})
		}
	}
	return all
}

// Senders asked for one by one and senders looked up among all are the same.
func TestSendersModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := few(t)
		s := newCleanSenders(func(within listing.Subject) iter.Seq2[sighting.Sender, error] {
			return func(yield func(sighting.Sender, error) bool) {
				for _, one := range all {
					if (!within.IsValid() || within.Overlaps(one.Subject.Prefix)) && !yield(one, nil) {
						return
					}
				}
			}
		})
		s.asked = rapid.SampledFrom([]int{0, mostAsked - 3, mostAsked}).Draw(t, "asked before")
		var touched []listing.Subject
		for range rapid.IntRange(0, 8).Draw(t, "prefixes") {
			n := rapid.Byte().Draw(t, "at")
			a := rapid.SampledFrom([]string{fmt.Sprintf("192.0.2.%d", n), fmt.Sprintf("2001:db8::%x", n), fmt.Sprintf("2001:db8:0:%x::", n%4)}).Draw(t, "address")
			addr := netip.MustParseAddr(a)
			p := netip.PrefixFrom(addr, rapid.IntRange(addr.BitLen()-12, addr.BitLen()).Draw(t, "bits"))
			if addr.Is6() && rapid.Bool().Draw(t, "wide") {
				p = netip.PrefixFrom(addr, rapid.IntRange(58, 66).Draw(t, "bits6"))
			}
			touched = append(touched, listing.Subject{Prefix: p.Masked()})
			s.touch(touched[len(touched)-1])
		}
		want := 0
		for _, one := range all {
			for _, by := range touched {
				if by.Overlaps(one.Subject.Prefix) {
					want++
					break
				}
			}
		}
		got, err := s.result()
		if err != nil || got.Senders != want || len(got.Top) != min(want, shownSenders) {
			t.Fatalf("%+v, %v; %d within %v of %v", got, err, want, touched, all)
		}
	})
}

func TestSendersThatCannotBeRead(t *testing.T) {
	for _, before := range []int{0, mostAsked} {
		broken := errors.New("no disk")
		s := newCleanSenders(func(listing.Subject) iter.Seq2[sighting.Sender, error] {
			return func(yield func(sighting.Sender, error) bool) { yield(sighting.Sender{}, broken) }
		})
		s.asked = before
		s.touch(subject("192.0.2.7"))
		s.touch(subject("192.0.2.8"))
		if _, err := s.result(); !errors.Is(err, broken) {
			t.Errorf("%v", err)
		}
	}
}
