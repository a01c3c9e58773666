package mta

import (
	"container/list"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"dnsbld/listing/helo"
)

// How long answers are kept. What is shorter is kept longer, so that a name without a TTL cannot make us ask for every session;
// failures are kept for a moment only.
const (
	shortestLife = 5 * time.Second
	longestLife  = time.Hour
	longestNone  = 5 * time.Minute // that there is no such name or record
	noneLife     = time.Minute     // the same, without a SOA record to say
)

// cache holds a bounded number of answers. The one that was not asked for longest makes room.
type cache struct {
	limit int
	byQ   map[question]*list.Element
	order *list.List // the latest first
}

type cached struct {
	q      question
	answer Answer
	until  time.Time
}

func newCache(limit int) *cache {
	return &cache{limit: limit, byQ: map[question]*list.Element{}, order: list.New()}
}

func (c *cache) get(q question, now time.Time) (Answer, bool) {
	e := c.byQ[q]
	if e == nil {
		return Answer{}, false
	}
	one := e.Value.(*cached)
	if !now.Before(one.until) {
		c.remove(e)
		return Answer{}, false
	}
	c.order.MoveToFront(e)
	return one.answer, true
}

func (c *cache) put(q question, a Answer, now time.Time) {
	if e := c.byQ[q]; e != nil {
		c.remove(e)
	}
	if c.order.Len() >= c.limit {
		c.remove(c.order.Back())
	}
	c.byQ[q] = c.order.PushFront(&cached{q, a, now.Add(a.life(q))})
}

func (c *cache) remove(e *list.Element) {
	c.order.Remove(e)
	delete(c.byQ, e.Value.(*cached).q)
}

// life is how long an answer may be kept. Whoever has just put a text into DNS, to show that a name is his, does not wait because he
// was looked for too early.
func (a Answer) life(q question) time.Duration {
	if q.kind == dnsmessage.TypeTXT {
		return shortestLife
	}
	switch a.Status {
	case helo.OK:
		return min(max(a.ttl, shortestLife), longestLife)
	case helo.NXDomain, helo.NoData:
		return min(max(a.ttl, shortestLife), longestNone)
	}
	return shortestLife
}
