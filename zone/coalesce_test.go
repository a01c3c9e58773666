package zone

import (
	"testing"
	"time"
)

// arrivals is a worker under a steady load, in simulated time: each batch costs
// what it costs to be woken, and each query some more.
type arrivals struct {
	every    time.Duration // between two queries
	wake     time.Duration
	each     time.Duration
	at       time.Duration // now
	answered int
	napped   time.Duration
	naps     int
	longest  time.Duration
}

// run has the worker at it for some batches.
func (a *arrivals) run(c *coalescer, batches int) {
	for range batches {
		n := min(int(a.at/a.every)-a.answered, batchSize)
		if n < 1 { // it sleeps until the next
			a.at = time.Duration(a.answered+1)*a.every + a.wake
			n = max(1, min(int(a.at/a.every)-a.answered, batchSize))
		}
		a.answered += n
		a.at += time.Duration(n) * a.each
		if d := c.after(n, func() time.Duration { return a.at }); d > 0 {
			a.at += d
			a.naps++
			a.napped += d
			a.longest = max(a.longest, d)
		}
	}
}

func TestCoalesce(t *testing.T) {
	const most = 250 * time.Microsecond
	for _, row := range []struct {
		rate  int // queries a second
		most  time.Duration
		naps  bool
		batch int // on average, at least
	}{
		{rate: 100, most: most},
		{rate: 5_000, most: most},
		{rate: 30_000, most: most, naps: true, batch: 6},
		{rate: 80_000, most: most, naps: true, batch: 14},
		{rate: 80_000, most: 0},
		{rate: 80_000, most: 100 * time.Microsecond, naps: true, batch: 7},
		{rate: 200_000, most: most, naps: true, batch: 14},
		{rate: 1_000_000, most: most}, // more than it can do
	} {
		a := arrivals{every: time.Second / time.Duration(row.rate), wake: 3 * time.Microsecond, each: 2 * time.Microsecond}
		c := coalescer{most: row.most}
		a.run(&c, 10*sampleBatches) // it finds out
		a.naps, a.napped = 0, 0
		answered, began := a.answered, a.at
		const batches = 10_000
		a.run(&c, batches)
		if a.longest > row.most {
			t.Errorf("%d/s: a nap of %s", row.rate, a.longest)
		}
		if often := a.naps > batches*9/10; often != row.naps {
			t.Errorf("%d/s: %d naps after %d batches", row.rate, a.naps, batches)
		}
		if got := (a.answered - answered) / batches; got < row.batch {
			t.Errorf("%d/s: batches of %d", row.rate, got)
		}
		if lag := a.at - time.Duration(a.answered)*a.every; row.rate < 500_000 && lag > 2*most {
			t.Errorf("%d/s: %s behind after %s", row.rate, lag, a.at-began)
		}
	}
}

// A load that changes is met: the worker stops napping when there is little to
// do, and when there is too much.
func TestCoalesceFollows(t *testing.T) {
	a := arrivals{every: time.Second / 80_000, wake: 3 * time.Microsecond, each: 2 * time.Microsecond}
	c := coalescer{most: 250 * time.Microsecond}
	for _, rate := range []int{80_000, 200, 80_000, 1_000_000, 80_000} {
		a.every, a.answered, a.at = time.Second/time.Duration(rate), 0, a.every
		c.since = 0
		a.run(&c, 10*sampleBatches)
		if napping := c.nap > 0; napping != (rate == 80_000) {
			t.Errorf("%d/s: naps of %s", rate, c.nap)
		}
	}
}
