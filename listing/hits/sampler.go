package hits

import (
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"

	"dnsbld/listing"
)

const (
	perSecond = 512     // samples of one worker, about, above which each stands for more
	ringSize  = 1 << 12 // hits that wait for the table; a power of two
	mostAtOne = 16      // listings that one answer may be about
	mostEvery = 1 << 16 // answers that a sample stands for in the mean
)

// Hit is one listing in a sampled answer, which stands for as many as its weight.
type Hit struct {
	Key
	Zone   uint16 // as Counter.Zone numbers it
	Weight uint32
	Time   uint32 // Unix seconds
}

// Key is what is counted: a prefix, listed for a reason, by whatever source.
type Key struct {
	addr   [16]byte // IPv4 as mapped into IPv6
	bits   uint8    // of that
	Reason listing.Reason
}

// KeyOf is the key of a prefix in its canonical family.
func KeyOf(p netip.Prefix, r listing.Reason) Key {
	bits := p.Bits()
	if p.Addr().Is4() {
		bits += 96
	}
	return Key{p.Addr().As16(), uint8(bits), r}
}

// Subject is the prefix.
func (k Key) Subject() listing.Subject {
	a, bits := netip.AddrFrom16(k.addr), int(k.bits)
	if a.Is4In6() && bits >= 96 {
		a, bits = a.Unmap(), bits-96
	}
	return listing.Subject{Prefix: netip.PrefixFrom(a, bits)}
}

// Sampler is one worker's side. It is used by that worker alone; nil counts nothing.
type Sampler struct {
	left   uint32 // answers until the next sample
	gap    uint32 // what left began with
	owed   uint32 // answers of samples for which there was no room
	every  uint32 // mean of gaps
	taken  uint32 // samples in this second, or since every rose
	second uint32
	random *rand.PCG

	ring [ringSize]Hit
	head atomic.Uint32 // hits ever put
	_    [64]byte      // the table's side has another cache line
	tail atomic.Uint32 // hits ever taken
}

func newSampler() *Sampler {
	return &Sampler{left: 1, gap: 1, every: 1, random: rand.NewPCG(rand.Uint64(), rand.Uint64())}
}

// Due counts an answer about something listed. Where it is sampled, Due says how many
// answers it stands for, and its caller puts what was listed.
func (s *Sampler) Due() (weight uint32) {
	if s.left--; s.left > 0 {
		return 0
	}
	return s.sample()
}

// sample ends a gap and begins the next.
func (s *Sampler) sample() (weight uint32) {
	weight = s.owed + s.gap
	if s.taken++; s.taken >= perSecond && s.every < mostEvery {
		s.every, s.taken = 2*s.every, 0
	}
	s.gap = 1 + uint32(s.random.Uint64()%uint64(2*s.every-1))
	s.left = s.gap
	if s.head.Load()-s.tail.Load() > ringSize-mostAtOne {
		s.owed = weight
		return 0
	}
	s.owed = 0
	return weight
}

// Put hands one listing of the sampled answer to the table.
func (s *Sampler) Put(h Hit) {
	n := s.head.Load()
	s.ring[n%ringSize] = h
	s.head.Store(n + 1)
}

// Tick is told the time, once for many answers: as the load falls, samples stand for
// less.
func (s *Sampler) Tick(now uint32) {
	if now != s.second {
		s.newSecond(now)
	}
}

func (s *Sampler) newSecond(now uint32) {
	if s.taken < perSecond/2 {
		s.every = max(1, s.every>>min(now-s.second, 31))
		if most := 2 * s.every; s.left > most {
			s.gap -= s.left - most
			s.left = most
		}
	}
	s.taken, s.second = 0, now
}

// take empties the ring.
func (s *Sampler) take(f func(*Hit)) {
	head := s.head.Load()
	for n := s.tail.Load(); n != head; n++ {
		f(&s.ring[n%ringSize])
	}
	s.tail.Store(head)
}

// Shared is a Sampler for many who answer at once, and seldom. None waits for another.
type Shared struct {
	mu     sync.Mutex
	missed atomic.Uint32 // answers that came while another was noted
	*Sampler
}

// Note counts an answer about what is listed; nil counts nothing.
func (s *Shared) Note(now uint32, put func(s *Sampler, weight uint32)) {
	switch {
	case s == nil:
		return
	case !s.mu.TryLock():
		s.missed.Add(1)
		return
	}
	defer s.mu.Unlock()
	s.owed += s.missed.Swap(0)
	s.Tick(now)
	if weight := s.Due(); weight > 0 {
		put(s.Sampler, weight)
	}
}
