package index

import (
	"context"
	"sync/atomic"
	"time"
)

// Clock tells the time in whole seconds by one atomic load, for the query path.
type Clock struct {
	now     func() time.Time
	seconds atomic.Uint32
}

// NewClock returns a clock that goes by now. It stands until Run.
func NewClock(now func() time.Time) *Clock {
	c := &Clock{now: now}
	c.set()
	return c
}

// Now is the time in Unix seconds, rounded down.
func (c *Clock) Now() uint32 { return c.seconds.Load() }

// Run keeps the clock going: it wakes at the boundary of each second, until
// ctx is done.
func (c *Clock) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			timer.Reset(untilNext(c.set()))
		}
	}
}

// set takes over the time and returns it exactly.
func (c *Clock) set() time.Time {
	t := c.now()
	c.seconds.Store(seconds(t))
	return t
}

// untilNext is what is left of the second.
func untilNext(t time.Time) time.Duration {
	return time.Second - time.Duration(t.Nanosecond())
}
