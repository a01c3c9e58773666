package resolve

import (
	"time"

	"github.com/miekg/dns"

	"dnsbld/listing/helo"
)

// How long answers are kept. An answer with a shorter TTL is kept longer, so that a name without a
// TTL cannot make us ask for every session; failures are kept for a moment only.
const (
	shortestLife = 5 * time.Second
	longestLife  = time.Hour
	longestNone  = 5 * time.Minute // that there is no such name or record
	noneLife     = time.Minute     // the same, without a SOA record to say
)

// cached is an answer as the cache keeps it. The cache has a bound: the answer that was not asked
// for longest makes room.
type cached struct {
	answer Answer
	until  time.Time
}

func (r *Resolver) kept(q dns.Question) (Answer, bool) {
	one, ok := r.cache.Get(q)
	return one.answer, ok && r.now().Before(one.until)
}

func (r *Resolver) keep(q dns.Question, a Answer) {
	r.cache.Add(q, cached{a, r.now().Add(a.life(q.Qtype))})
}

// life is how long an answer may be kept. Texts have the shortest: somebody who has just put one
// into DNS, to show that a name is his, does not have to wait because he was looked for too early.
func (a Answer) life(kind uint16) time.Duration {
	longest := shortestLife
	switch {
	case kind == dns.TypeTXT:
	case a.Status == helo.OK:
		longest = longestLife
	case a.Status != helo.TempError:
		longest = longestNone
	}
	return min(max(a.ttl, shortestLife), longest)
}
