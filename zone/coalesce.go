package zone

import "time"

// coalescer decides how long a worker naps after a batch before it looks for
// the next. Below saturation most of what a query costs is the worker going to
// sleep and being woken; a nap takes together what would have woken it one by
// one. A worker that never sleeps gains nothing, nor does one that hears from
// somebody now and then: so it naps at middling rates only.
//
// While it naps, the batches tell whether the naps are of a good length. While
// it does not, it asks for the time every sample batches.
type coalescer struct {
	most time.Duration // zero: never nap
	nap  time.Duration // zero: not napping

	batches, datagrams int           // of the sample
	since              time.Duration // when it began
}

const (
	sampleBatches = 64
	bestBatch     = 16                    // that a nap aims at
	fullBatch     = 24                    // so many tell that it is too long
	poorBatch     = 3                     // so few that it is not worth it
	shortestNap   = 20 * time.Microsecond // the kernel does not do shorter ones
)

// after is how long to nap after a batch of n datagrams.
func (c *coalescer) after(n int, now func() time.Duration) time.Duration {
	switch {
	case c.most < shortestNap:
		return 0
	case c.nap == 0:
		c.sample(n, now)
	case n >= fullBatch:
		c.nap = c.nap * 3 / 4
	case n < poorBatch && c.nap == c.most:
		c.nap = 0
	case n < bestBatch:
		c.nap = min(c.nap*5/4, c.most)
	}
	if c.nap < shortestNap {
		c.nap = 0
	}
	return c.nap
}

// sample begins to nap if batches came small and often.
func (c *coalescer) sample(n int, now func() time.Duration) {
	c.batches++
	c.datagrams += n
	if c.batches < sampleBatches {
		return
	}
	at := now()
	each := (at - c.since) / time.Duration(c.datagrams)
	if small := c.datagrams < sampleBatches*bestBatch/2; small && c.since > 0 && each*2*poorBatch <= c.most {
		c.nap = min(each*bestBatch, c.most)
	}
	c.batches, c.datagrams, c.since = 0, 0, at
}
