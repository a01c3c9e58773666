//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/helo"
	"dnsbld/mta"
)

// unanswered is when a command was answered that was not.
const unanswered = math.MaxInt

// asking is people who ask for removals, some of whom are erased again.
type asking struct {
	random *rand.Rand
	number int
	kept   map[string]bool // by mail address, when the run began: kept, or erased
	now    map[string]bool // as it was found last
	past   []asked
}

// asked is one that asked, or was erased, while the disk came from one position to
// another.
type asked struct {
	mail         string
	kept         bool
	began, ended int
}

// use asks until there is no answer.
func (a *asking) use(t *testing.T, client *ctl.Client, position func() int, ends func(error) bool) {
	mails := slices.Sorted(maps.Keys(a.now))
	a.kept, a.past = a.now, nil
	for {
		a.number++
		c := asked{fmt.Sprintf("p%d@sender.example", a.number), true, position(), unanswered}
		var err error
		if a.number%3 == 0 && len(mails) > 0 {
			c.mail, c.kept = mails[a.random.IntN(len(mails))], false
			if _, err = client.ErasePerson(t.Context(), ctl.Person{Mail: c.mail}); errors.Is(err, listing.ErrNotFound) {
				err = nil // he was erased before
			}
		} else {
			host := netip.AddrFrom4([4]byte{20, 100, byte(a.number >> 8), byte(a.number)})
			_, err = client.Request(t.Context(), ctl.DeskRequest{Address: host.String(), From: c.mail, Key: c.mail})
			mails = append(mails, c.mail)
		}
		if err == nil {
			c.ended = position()
		}
		a.past = append(a.past, c)
		if err != nil {
			if !ends(err) {
				t.Errorf("%+v: %v", c, err)
			}
			return
		}
	}
}

// settle compares who is kept with what was answered when the disk had come to a
// position.
func (a *asking) settle(t *testing.T, client *ctl.Client, at int) {
	t.Helper()
	want, unknown := maps.Clone(a.kept), map[string]bool{}
	if want == nil {
		want = map[string]bool{}
	}
	for _, c := range a.past {
		switch {
		case c.ended <= at:
			want[c.mail] = c.kept
		case c.began <= at:
			unknown[c.mail] = true
		}
	}
	const some = 40
	all := slices.Sorted(maps.Keys(want))
	a.random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for _, mail := range all[:min(some, len(all))] {
		if kept := keeps(t, client, mail); kept != want[mail] && !unknown[mail] {
			t.Errorf("%s: kept %t, and should be %t", mail, kept, want[mail])
		}
	}
	for mail := range unknown {
		want[mail] = keeps(t, client, mail)
	}
	a.now = want
}

func keeps(t *testing.T, client *ctl.Client, mail string) bool {
	t.Helper()
	person, err := client.ExportPerson(t.Context(), ctl.Person{Mail: mail})
	if err != nil && !errors.Is(err, listing.ErrNotFound) {
		t.Errorf("%s: %v", mail, err)
	}
	return len(person.Contacts) > 0
}

// counted is sessions that are told ten at a time, of another client in each run.
type counted struct {
	run, number int
	began       time.Time // of the sessions: told again they are the same
	past        []told
}

// told is sessions up to a number that were told while the disk came from one position
// to another.
type told struct{ upTo, began, ended int }

// client is who had the sessions of this run.
func (c *counted) client() string { return fmt.Sprintf("20.101.%d.1", c.run) }

// use tells until there is no answer.
func (c *counted) use(t *testing.T, client *ctl.Client, position func() int, ends func(error) bool) {
	c.run++
	c.number, c.began, c.past = 0, time.Now(), nil
	for {
		c.number += tenth
		now := told{c.number, position(), unanswered}
		err := c.tell(t, client, c.number)
		if err == nil {
			now.ended = position()
		}
		c.past = append(c.past, now)
		if err != nil {
			if !ends(err) {
				t.Errorf("sessions up to %d: %v", now.upTo, err)
			}
			return
		}
	}
}

// tenth is how many sessions are told at a time.
const tenth = 10

// tell tells of the sessions that end with a number.
func (c *counted) tell(t *testing.T, client *ctl.Client, upTo int) error {
	var lines strings.Builder
	for n := upTo - tenth; n < upTo; n++ {
		r := mta.Report{Time: c.began, Receiver: "mx9", ID: fmt.Sprintf("%d-%d", c.run, n), Session: helo.Session{
			Client: netip.MustParseAddr(c.client()), Verb: "EHLO", HELO: "mail.sender.example"}}
		if err := json.NewEncoder(&lines).Encode(r); err != nil {
			t.Error(err)
		}
	}
	_, err := client.Observe(t.Context(), ctl.None{}, strings.NewReader(lines.String()))
	return err
}

// settle compares what is counted with what was taken when the disk had come to a
// position. Sessions that are told again are counted once.
func (c *counted) settle(t *testing.T, client *ctl.Client, at int) {
	t.Helper()
	least, most := 0, 0
	for _, s := range c.past {
		if s.ended <= at {
			least = s.upTo
		}
		if s.began <= at {
			most = s.upTo
		}
	}
	if n := c.sessions(t, client); n < least || n > most {
		t.Errorf("%d sessions are counted, between %d and %d were told", n, least, most)
	}
	if most == 0 {
		return
	}
	if err := c.tell(t, client, most); err != nil {
		t.Errorf("the last sessions told again: %v", err)
	}
	if n := c.sessions(t, client); n != most {
		t.Errorf("%d sessions are counted, %d were told, the last of them twice", n, most)
	}
}

// sessions is how many are counted of this run's client.
func (c *counted) sessions(t *testing.T, client *ctl.Client) int {
	t.Helper()
	s, err := listing.ParseSubject(c.client())
	if err != nil {
		t.Fatal(err)
	}
	shown, err := client.Show(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if shown.Sightings == nil {
		return 0
	}
	return shown.Sightings.Sessions
}
