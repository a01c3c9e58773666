package mirror

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dnsbld/db"
	"dnsbld/listing"
	"dnsbld/listing/wildcard"
)

// primary is a server of a zone, as far as a mirror sees it.
type primary struct {
	serial  uint32
	listed  []string // names
	err     error
	asked   int
	haves   []uint32 // that it was asked with; 0: none
	expire  time.Duration
	changed *Copy // what it answers to a have, in place of all
}

func (p *primary) take(_ context.Context, have *uint32) (*Copy, error) {
	p.asked++
	c := p.copy()
	switch {
	case p.err != nil:
		return nil, p.err
	case have == nil:
		p.haves = append(p.haves, 0)
	default:
		p.haves = append(p.haves, *have)
		if c.Serial == *have {
			c.Form = Current
		} else if p.changed != nil {
			return p.changed, nil
		}
	}
	return c, nil
}

func (p *primary) copy() *Copy {
	c := &Copy{Serial: p.serial, SOA: "soa", TTL: 300, List: newTaken(), Fixed: []string{"ns"}, Refresh: time.Minute, Retry: 10 * time.Second, Expire: p.expire}
	for _, name := range p.listed {
		if err := c.List.Put(name, wildcard.Owned{Reasons: []listing.Reason{3}}); err != nil {
			panic(err)
		}
	}
	return c
}

func newTaken() *wildcard.Taken {
	return &wildcard.Taken{Plain: func(_ listing.Reason, s listing.Subject) string { return s.Text() }}
}

// served is a view that serves at once whatever is written.
type served struct{}

func (served) Wait(context.Context, listing.Revision) error { return nil }

// setting is a mirror at work, in a bubble of its own time.
type setting struct {
	*Mirror
	t     *testing.T
	store *db.DB
	book  *listing.Book
	saved []byte
	log   strings.Builder
	used  []State
}

func newSetting(t *testing.T, p *primary, saved []byte, file string) *setting {
	t.Helper()
	s := &setting{t: t, saved: saved}
	var err error
	if s.store, err = db.Open(file, db.Options{}); err != nil {
		t.Fatal(err)
	}
	reasons, err := listing.NewReasons(listing.DefaultReasons())
	if err != nil {
		t.Fatal(err)
	}
	s.book = listing.NewBook(s.store, served{}, listing.Rules{Reasons: reasons, Policy: listing.DefaultPolicy(), Primary: "192.0.2.53 (bl.example)"}, time.Now)
	s.Mirror = New(Config{Zone: "bl.example", Primary: func() string { return "192.0.2.53" }, Take: p.take, Digest: func() string { return "digest" },
		Use:  func(u State) error { s.used = append(s.used, u); return nil },
		Save: func(raw []byte) error { s.saved = raw; return nil }, Log: slog.New(slog.NewTextHandler(&s.log, nil)), Now: time.Now}, saved)
	return s
}

// run lets the mirror work for a time.
func (s *setting) run(d time.Duration, notified chan struct{}) {
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan struct{})
	go func() { defer close(done); s.Run(ctx, s.book, notified) }()
	time.Sleep(d) // of the bubble
	cancel()
	<-done
}

func (s *setting) entries() (all []string) {
	err := s.store.View(s.t.Context(), func(snap listing.Snapshot) error {
		for e, err := range snap.Each(listing.Subject{}) {
			if err != nil {
				return err
			}
			all = append(all, e.Subject.Text())
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}

func (s *setting) serves() bool { return s.Serves(uint32(time.Now().Unix())) }

func (s *setting) head() uint32 {
	st, err := s.store.Status(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return uint32(st.Head)
}

// bubble gives a test its own time. The store's writer outlives no bubble.
func bubble(t *testing.T, f func(t *testing.T, p *primary, open func(saved []byte) *setting)) {
	file := filepath.Join(t.TempDir(), "listings.db")
	synctest.Test(t, func(t *testing.T) {
		p := &primary{serial: 4_000_000_000, listed: []string{"7.2.0.192", "*.5.19.198"}, expire: time.Hour}
		var last *setting
		f(t, p, func(saved []byte) *setting {
			if last != nil {
				last.close()
			}
			last = newSetting(t, p, saved, file)
			return last
		})
		last.close()
	})
}

func (s *setting) close() {
	if err := s.store.Close(); err != nil {
		s.t.Error(err)
	}
}

// The list is the primary's, at its serial; it is looked after by its refresh time,
// and sooner when it notifies.
func TestFollows(t *testing.T) {
	bubble(t, func(t *testing.T, p *primary, open func([]byte) *setting) {
		s := open(nil)
		if s.serves() {
			t.Error("it serves before anything was taken")
		}
		notified := make(chan struct{}, 1)
		s.run(150*time.Second, notified)
		if got := s.entries(); !slices.Equal(got, []string{"192.0.2.7", "198.19.5.0/24"}) || s.head() != p.serial || !s.serves() {
			t.Errorf("%v at %d, served %t", got, s.head(), s.serves())
		}
		if p.asked != 3 || !slices.Equal(p.haves, []uint32{0, p.serial, p.serial}) {
			t.Errorf("asked %d times, with %v", p.asked, p.haves)
		}
		p.serial, p.listed = 5, []string{"8.2.0.192"} // 2^32 lies between
		notified <- struct{}{}
		s.run(10*time.Second, notified)
		if got := s.entries(); !slices.Equal(got, []string{"192.0.2.8"}) || s.head() != 5 {
			t.Errorf("%v at %d", got, s.head())
		}
		if u := s.used[len(s.used)-1]; u.Serial != 5 || u.SOA != "soa" || !slices.Equal(u.Fixed, []string{"ns"}) {
			t.Errorf("in force is %+v", u)
		}
	})
}

// Changes are laid over what is here.
func TestTakesChanges(t *testing.T) {
	bubble(t, func(t *testing.T, p *primary, open func([]byte) *setting) {
		s := open(nil)
		s.run(time.Second, nil)
		p.serial += 2
		p.changed = &Copy{Form: Changed, Serial: p.serial, SOA: "soa 2", List: newTaken(), Fixed: []string{"ns2"}, Gone: []string{"ns"}, Refresh: time.Minute, Expire: time.Hour}
		for name, removed := range map[string]bool{"7.2.0.192": true, "9.2.0.192": false} {
			if err := p.changed.List.Change(name, removed, wildcard.Owned{Reasons: []listing.Reason{3}}); err != nil {
				t.Fatal(err)
			}
		}
		s.run(time.Second, nil)
		if got := s.entries(); !slices.Equal(got, []string{"192.0.2.9", "198.19.5.0/24"}) || s.head() != p.serial {
			t.Errorf("%v at %d", got, s.head())
		}
		if st := s.State(); !slices.Equal(st.Fixed, []string{"ns2"}) || st.TTL != 300 || st.SOA != "soa 2" {
			t.Errorf("%+v", st)
		}
	})
}

// A record may come in one sequence of an IXFR and go in another, and the reverse.
func TestTakesSequences(t *testing.T) {
	s := State{Fixed: []string{"ns1", "txt"}}
	for _, c := range []Copy{
		{Form: Changed, Gone: []string{"ns1", "ns2"}, Fixed: []string{"ns3"}}, // ns1 became ns2, and that ns3
		{Form: Changed, Gone: []string{"ns3"}, Fixed: []string{"ns4", "txt"}}, // txt went and came again
	} {
		s = s.after(&c)
	}
	if !slices.Equal(s.Fixed, []string{"ns4", "txt"}) {
		t.Errorf("%v", s.Fixed)
	}
}

// Records that are not of the list stay few, however many changes they come in.
func TestRefusesManyRecords(t *testing.T) {
	bubble(t, func(t *testing.T, p *primary, open func([]byte) *setting) {
		s := open(nil)
		s.run(time.Second, nil)
		for n := range 3 {
			p.serial++
			p.changed = &Copy{Form: Changed, Serial: p.serial, SOA: "soa", List: newTaken(), Refresh: time.Minute, Expire: time.Hour}
			for i := range MostFixed / 2 {
				p.changed.Fixed = append(p.changed.Fixed, fmt.Sprintf("txt %d.%d", n, i))
			}
			s.run(time.Second, nil)
		}
		if got := len(s.State().Fixed); got != 1+MostFixed/2 || !strings.Contains(s.Status().Error, "not of a list") {
			t.Errorf("%d records, %+v", got, s.Status())
		}
	})
}

// A crash between what is kept beside the list and the list leaves the former ahead.
// The zone is then taken whole: what changed is in the one already.
func TestAStateThatIsAhead(t *testing.T) {
	bubble(t, func(t *testing.T, p *primary, open func([]byte) *setting) {
		s := open(nil)
		s.run(time.Second, nil)
		p.serial++
		p.changed = &Copy{Form: Changed, Serial: p.serial, SOA: "soa", List: newTaken(), Fixed: []string{"ns2"}, Refresh: time.Minute, Expire: time.Hour}
		ahead := s.State().after(p.changed)
		raw, err := json.Marshal(ahead)
		if err != nil {
			t.Fatal(err)
		}
		s = open(raw)
		s.run(time.Second, nil)
		if last := p.haves[len(p.haves)-1]; last != 0 || s.head() != p.serial || !slices.Equal(s.State().Fixed, []string{"ns"}) {
			t.Errorf("asked with %d, at %d of %d, with %v", last, s.head(), p.serial, s.State().Fixed)
		}
	})
}

// While the primary is away the list is served from the file, until it expires; the
// log says so once a minute.
func TestGoesOnAlone(t *testing.T) {
	bubble(t, func(t *testing.T, p *primary, open func([]byte) *setting) {
		s := open(nil)
		s.run(time.Second, nil)
		p.err = errors.New("i/o timeout")
		s = open(s.saved)
		if !s.serves() || len(s.used) != 1 || s.used[0].SOA != "soa" {
			t.Fatalf("after a start it serves %t, with %v", s.serves(), s.used)
		}
		s.run(59*time.Minute, nil)
		if !s.serves() || s.Status().Error == "" || s.Status().Failures < 300 {
			t.Errorf("served %t, %+v", s.serves(), s.Status())
		}
		if lines := strings.Count(s.log.String(), "\n"); lines > 60 {
			t.Errorf("%d lines of log in an hour", lines)
		}
		s.run(2*time.Minute, nil)
		if s.serves() {
			t.Error("it serves what has expired")
		}
		p.err = nil
		s.run(time.Second, nil)
		if !s.serves() || s.Status().Error != "" || !strings.Contains(s.log.String(), "heard again") {
			t.Errorf("served %t, %+v", s.serves(), s.Status())
		}
	})
}

// A serial that is behind leaves the list as it is; so does what cannot be put in
// force.
func TestKeepsWhatIsGood(t *testing.T) {
	bubble(t, func(t *testing.T, p *primary, open func([]byte) *setting) {
		s := open(nil)
		s.run(time.Second, nil)
		good := s.entries()
		p.serial, p.listed = p.serial-1, nil
		s = open(nil) // what lay beside the list is lost, so the zone is taken whole
		s.run(time.Second, nil)
		if got := s.entries(); !slices.Equal(got, good) || !strings.Contains(s.Status().Error, "not ahead of") {
			t.Errorf("%v, %+v", got, s.Status())
		}
		p.serial += 2
		s.Use = func(State) error { return errors.New("no SOA record") }
		s.run(time.Second, nil)
		if got := s.entries(); !slices.Equal(got, good) || s.Status().Error != "no SOA record" {
			t.Errorf("%v, %+v", got, s.Status())
		}
	})
}

// A list of another origin is left alone.
func TestLeavesOtherLists(t *testing.T) {
	bubble(t, func(t *testing.T, p *primary, open func([]byte) *setting) {
		s := open(nil)
		rules := s.book.Rules()
		rules.Primary = ""
		s.book.SetRules(rules)
		host := listing.Subject{Prefix: netip.MustParsePrefix("192.0.2.1/32")}
		if _, err := s.book.Add(t.Context(), listing.Caller{Name: "ops", Role: listing.Operator}, listing.Add{Subject: host, Reason: "manual"}); err != nil {
			t.Fatal(err)
		}
		s.run(time.Second, nil)
		if p.asked > 0 || !strings.Contains(s.Status().Error, "1 entries of its own") {
			t.Errorf("asked %d times, %+v", p.asked, s.Status())
		}
	})
}

// With other texts here all is taken again, at the same serial.
func TestTakesAgainForOtherTexts(t *testing.T) {
	bubble(t, func(t *testing.T, p *primary, open func([]byte) *setting) {
		s := open(nil)
		s.run(time.Second, nil)
		s.Digest = func() string { return "another" }
		p.listed = append(p.listed, "9.2.0.192")
		s.run(time.Second, nil)
		if got := s.entries(); len(got) != 3 || s.head() != p.serial || p.haves[len(p.haves)-1] != 0 {
			t.Errorf("%v at %d, asked with %v", got, s.head(), p.haves)
		}
	})
}
