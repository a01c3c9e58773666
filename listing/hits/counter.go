package hits

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"dnsbld/listing"
)

const (
	mostKept  = 1 << 18           // listings in the table, some 12 MB
	keptFor   = 180 * listing.Day // after the last question
	drainTime = time.Second
)

// Asked is how often something was asked for, about.
type Asked struct {
	Count       uint64
	First, Last time.Time // zero: never, as far as is known
}

// Listing is a listing that was asked for.
type Listing struct {
	Key
	Asked
}

// Total is how often one zone answered one reason since the start.
type Total struct {
	Zone   string
	Reason listing.Reason
	Count  uint64
}

// Span is the time of which the counts tell.
type Span struct {
	Since  time.Time // counting began
	Forgot time.Time // whom nothing is known of may have been asked for up to then; zero: nothing was forgotten
}

// record is what the table keeps of a listing. Times are Unix seconds.
type record struct {
	count       uint64
	first, last uint32
}

// Counter counts what its samplers see.
type Counter struct {
	mu       sync.Mutex // of all that follows; no sampler takes it
	samplers []*Sampler
	zones    []string
	table    map[Key]record
	totals   map[total]uint64
	since    uint32
	forgot   uint32
	most     int
}

type total struct {
	zone   uint16
	reason listing.Reason
}

// New returns a counter that begins at a time.
func New(now time.Time) *Counter {
	return &Counter{table: map[Key]record{}, totals: map[total]uint64{}, since: uint32(now.Unix()), most: mostKept}
}

// Sampler makes one for one more worker; nil of a nil Counter.
func (c *Counter) Sampler() *Sampler {
	if c == nil {
		return nil
	}
	s := newSampler()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.samplers = append(c.samplers, s)
	return s
}

// Zone is the number by which hits name a zone: always the same for a name.
func (c *Counter) Zone(name string) uint16 {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := slices.Index(c.zones, name)
	if n < 0 {
		n = len(c.zones)
		c.zones = append(c.zones, name)
	}
	return uint16(n)
}

// Run empties the rings until ctx is done.
func (c *Counter) Run(ctx context.Context) {
	tick := time.NewTicker(drainTime)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			c.mu.Lock()
			c.drain()
			c.mu.Unlock()
		}
	}
}

// drain takes in what waits. The caller holds the lock.
func (c *Counter) drain() {
	for _, s := range c.samplers {
		s.take(func(h *Hit) {
			c.add(h.Key, record{uint64(h.Weight), h.Time, h.Time})
			c.totals[total{h.Zone, h.Reason}] += uint64(h.Weight)
		})
	}
}

// add brings a listing's record together with what is known of it.
func (c *Counter) add(k Key, r record) {
	old, known := c.table[k]
	if !known && len(c.table) >= c.most {
		c.forget()
	}
	if known {
		r = record{old.count + r.count, min(old.first, r.first), max(old.last, r.last)}
	}
	c.table[k] = r
}

// forget makes room: a quarter of the table goes, those who were asked for longest ago.
func (c *Counter) forget() {
	last := make([]uint32, 0, len(c.table))
	for _, r := range c.table {
		last = append(last, r.last)
	}
	slices.Sort(last)
	upTo := last[len(last)/4]
	for k, r := range c.table {
		if r.last <= upTo && len(c.table) > c.most*3/4 {
			delete(c.table, k)
		}
	}
	c.forgot = max(c.forgot, upTo)
}

// Of is how often a prefix was asked for that is listed for a reason.
func (c *Counter) Of(s listing.Subject, reason listing.Reason) Asked {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drain()
	r, known := c.table[KeyOf(s.Prefix, reason)]
	if !known {
		return Asked{}
	}
	return r.asked()
}

func (r record) asked() Asked { return Asked{r.count, unix(r.first), unix(r.last)} }

// unix is a time of the table; 0 is none.
func unix(seconds uint32) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0).UTC()
}

// Span is the time of which the counts tell.
func (c *Counter) Span() Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Span{unix(c.since), unix(c.forgot)}
}

// Top are those that were asked for most, the first of them first.
func (c *Counter) Top(most int) []Listing {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drain()
	all := make([]Listing, 0, len(c.table))
	for k, r := range c.table {
		all = append(all, Listing{k, r.asked()})
	}
	slices.SortFunc(all, func(a, b Listing) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), a.Subject().Compare(b.Subject()), cmp.Compare(a.Reason, b.Reason))
	})
	return slices.Clone(all[:min(len(all), most)])
}

// Totals are the counts since the start by zone and reason; none of a nil Counter.
func (c *Counter) Totals() []Total {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drain()
	var all []Total
	for t, n := range c.totals {
		all = append(all, Total{c.zones[t.zone], t.reason, n})
	}
	return all
}
