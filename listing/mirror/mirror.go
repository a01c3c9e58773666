// Package mirror keeps a list equal to a zone that a primary serves. It is a rule
// and no door: it is given what was transferred, and whatever wakes it.
//
// Invariants:
//
//   - The list is written as a whole, from a transfer that came whole. Whatever
//     else happens leaves it as it is: it is served until the time is over that the
//     primary's SOA record gives (expire), and then not at all.
//   - The revision of the list is the primary's serial (listing.Book.Mirror), so the
//     store knows of itself what it holds.
//   - Beside the store lies a State: what was taken of the zone that is no list, and
//     when the primary was last heard. It is written before the list. A crash between
//     the two leaves one that is not of the list's serial: the next transfer is then
//     of the whole zone, since what changed would be laid over a State that has it.
package mirror

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/report"
)

// Config is what a mirror works with.
type Config struct {
	Zone    string        // "bl.example"
	Primary func() string // its address, as people read it
	Take    Take
	Digest  func() string     // of what texts are made of here: with another one all is taken again
	Use     func(State) error // puts what is no list in force
	Save    func([]byte) error
	Log     *slog.Logger
	Now     func() time.Time
}

// State is what is kept beside the list.
type State struct {
	Zone    string        `json:"zone"`
	Digest  string        `json:"digest"`
	Serial  uint32        `json:"serial"`
	SOA     string        `json:"soa"`
	TTL     uint32        `json:"ttl"`
	Fixed   []string      `json:"fixed"`
	Taken   time.Time     `json:"taken"`   // when something came
	Checked time.Time     `json:"checked"` // when the primary was last heard
	Refresh time.Duration `json:"refresh"`
	Retry   time.Duration `json:"retry"`
	Expire  time.Duration `json:"expire"`
}

// Bounds of the times that a primary gives, so that it is neither flooded nor
// forgotten, and when nothing is known.
const (
	leastWait = 500 * time.Millisecond // between two looks
	leastTime = time.Second
	mostTime  = 24 * time.Hour
	firstTry  = 15 * time.Second
	logEvery  = time.Minute
	bulk      = 100_000 // names
)

// Mirror follows a primary.
type Mirror struct {
	Config
	until atomic.Int64 // Unix seconds: from then on it is not served

	mu       sync.Mutex
	state    State
	err      error // of the last look; nil: it went well
	failures uint64
	told     time.Time // when a failure was last logged
}

// New makes a mirror that goes on from what was saved; nil: nothing was.
func New(c Config, saved []byte) *Mirror {
	m := &Mirror{Config: c}
	var s State
	if json.Unmarshal(saved, &s) == nil && s.Zone == c.Zone && s.SOA != "" && c.Use(s) == nil {
		m.set(s)
	}
	return m
}

// Serves reports whether the list may be answered from, at a time in Unix seconds:
// something was taken, and the primary was heard lately enough (RFC 1035, section
// 3.3.13).
func (m *Mirror) Serves(now uint32) bool { return int64(now) < m.until.Load() }

func (m *Mirror) set(s State) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state = s
	m.until.Store(s.Checked.Add(s.Expire).Unix())
}

// State is what is kept beside the list now.
func (m *Mirror) State() State {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state
}

// Run follows the primary until ctx is done: when its refresh time is over, sooner
// when it notifies, and by its retry time while that does not succeed.
func (m *Mirror) Run(ctx context.Context, book *listing.Book, notified <-chan struct{}) {
	for ctx.Err() == nil {
		err := m.look(ctx, book)
		if ctx.Err() != nil {
			return
		}
		m.note(err)
		s := m.State()
		wait := s.Refresh
		if err != nil {
			wait = cmp.Or(s.Retry, firstTry)
		}
		pause(ctx, leastWait, nil)
		pause(ctx, min(max(wait, leastTime), mostTime)-leastWait, notified)
	}
}

func pause(ctx context.Context, d time.Duration, sooner <-chan struct{}) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-sooner:
	case <-t.C:
	}
}

// note keeps how a look went, and logs it: a failure once a minute at the most.
func (m *Mirror) note(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	was := m.err
	if m.err = err; err == nil {
		if was != nil {
			m.Log.Info("the primary is heard again", "zone", m.Zone, "primary", m.Primary(), "serial", m.state.Serial)
		}
		return
	}
	m.failures++
	now := m.Now()
	if now.Sub(m.told) < logEvery {
		return
	}
	m.told = now
	m.Log.Warn("the zone cannot be taken from its primary", "zone", m.Zone, "primary", m.Primary(), "serves_until", m.state.Checked.Add(m.state.Expire).UTC(), "err", err)
}

// look asks the primary once, and takes what is new.
func (m *Mirror) look(ctx context.Context, book *listing.Book) error {
	here, err := m.here(ctx, book)
	if err != nil {
		return err
	}
	s, digest := m.State(), m.Digest()
	var have *uint32
	if here != nil && s.SOA != "" && s.Digest == digest && s.Serial == *here {
		have = here
	}
	c, err := m.Take(ctx, have)
	if err != nil {
		return err
	}
	next := s.after(c)
	if len(next.Fixed) > MostFixed {
		return fmt.Errorf("the zone has more than %d records that are not of a list", MostFixed)
	}
	next.Zone, next.Digest, next.Checked = m.Zone, digest, m.Now().UTC()
	if c.Form == Current {
		return m.keep(next)
	}
	next.Taken = next.Checked
	as := &listing.Mirrored{Zone: m.Zone, Serial: c.Serial, Again: here != nil && *here == c.Serial, Part: c.Form == Changed}
	if as.Again && s.SOA == "" {
		as = nil // the list is that one already, and what stood beside it was lost
	}
	return m.adopt(ctx, book, as, next, c)
}

// adopt writes what came of the zone, beside the list and, unless as is nil, into it.
func (m *Mirror) adopt(ctx context.Context, book *listing.Book, as *listing.Mirrored, next State, c *Copy) error {
	entries, err := m.entries(ctx, book, c)
	if err != nil {
		return err
	}
	if err := m.Use(next); err != nil {
		return err
	}
	if err := m.keepOnDisk(next); err != nil {
		return err
	}
	if as != nil {
		who := listing.Caller{Name: "primary " + m.Primary(), Role: listing.Daemon}
		if _, err := book.Mirror(ctx, who, *as, entries); err != nil {
			return err
		}
	}
	m.set(next)
	if c.List.Len() > bulk {
		debug.FreeOSMemory() // what it took to go through the list is more than the list
	}
	m.Log.Info("the zone was taken from its primary", "zone", m.Zone, "primary", m.Primary(), "serial", c.Serial, "form", c.Form.String())
	return nil
}

// here is the serial of the list that is here; nil: there is none. A list of
// another origin is left alone.
func (m *Mirror) here(ctx context.Context, book *listing.Book) (serial *uint32, err error) {
	status, err := book.Store().Status(ctx)
	if err != nil {
		return nil, err
	}
	err = book.Store().View(ctx, func(snap listing.Snapshot) error {
		sources, err := snap.Sources()
		for _, s := range sources {
			if s.Name != m.Zone {
				return fmt.Errorf("the list here has a source %s, which is not of %s: give a mirror a data directory of its own", s.Name, m.Zone)
			}
			now := uint32(snap.Revision())
			serial = &now
		}
		return err
	})
	if err == nil && status.Entries > 0 {
		err = fmt.Errorf("the list here has %d entries of its own: give a mirror a data directory of its own", status.Entries)
	}
	return serial, err
}

// entries are those of the zone, or those that change. What changes is gathered first:
// whoever looks at the store keeps others from writing to it.
func (m *Mirror) entries(ctx context.Context, book *listing.Book, c *Copy) (iter.Seq2[listing.Entry, error], error) {
	if c.Form == Whole {
		return c.List.Entries, nil
	}
	var changed []listing.Entry
	err := book.Store().View(ctx, func(snap listing.Snapshot) error {
		for e, err := range c.List.Over(snap.Each) {
			if err != nil {
				return err
			}
			changed = append(changed, e)
		}
		return nil
	})
	return func(yield func(listing.Entry, error) bool) {
		for _, e := range changed {
			if !yield(e, nil) {
				return
			}
		}
	}, err
}

// after is the state when a copy has come.
func (s State) after(c *Copy) State {
	s.Serial, s.SOA = c.Serial, c.SOA
	s.Refresh, s.Retry, s.Expire = c.Refresh, c.Retry, c.Expire
	s.TTL = cmp.Or(c.TTL, s.TTL)
	switch c.Form {
	case Whole:
		s.Fixed = c.Fixed
	case Changed:
		s.Fixed = slices.DeleteFunc(slices.Clone(s.Fixed), func(line string) bool {
			return slices.Contains(c.Gone, line) || slices.Contains(c.Fixed, line) // that went and came again
		})
		s.Fixed = append(s.Fixed, c.Fixed...)
	}
	return s
}

func (m *Mirror) keep(s State) error {
	if err := m.keepOnDisk(s); err != nil {
		return err
	}
	m.set(s)
	return nil
}

func (m *Mirror) keepOnDisk(s State) error {
	raw, err := json.Marshal(s)
	if err == nil {
		err = m.Save(raw)
	}
	if err != nil {
		return errors.Join(errors.New("keeping what was taken"), err)
	}
	return nil
}

// Status says how the mirror is.
func (m *Mirror) Status() *report.Mirror {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := &report.Mirror{Primary: m.Primary(), Serial: m.state.Serial, Taken: m.state.Taken, Checked: m.state.Checked, Failures: m.failures}
	if !r.Checked.IsZero() {
		r.Expires = m.state.Checked.Add(m.state.Expire)
	}
	if m.err != nil {
		r.Error = m.err.Error()
	}
	return r
}
