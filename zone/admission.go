package zone

import (
	"context"
	"net/netip"
	"sync"
	"time"
)

// Transfers under way at once, in all and of one client; the next one waits. So a
// secondary that reads slowly keeps no other from its zones.
const (
	mostTransfers = 16
	mostOfClient  = 4
)

// admission counts transfers under way.
type admission struct {
	mu      sync.Mutex
	from    map[netip.Addr]int
	all     int
	changed chan struct{} // closed when one has ended
}

// enter waits for a turn, but not for ever.
func (t *admission) enter(ctx context.Context, client netip.Addr, most time.Duration) bool {
	late := time.NewTimer(most)
	defer late.Stop()
	for {
		changed := t.tryEnter(client)
		if changed == nil {
			return true
		}
		select {
		case <-changed:
		case <-late.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// tryEnter gives what to wait for, if it is not the client's turn.
func (t *admission) tryEnter(client netip.Addr) (changed <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.from == nil {
		t.from, t.changed = map[netip.Addr]int{}, make(chan struct{})
	}
	if t.all == mostTransfers || t.from[client] == mostOfClient {
		return t.changed
	}
	t.all++
	t.from[client]++
	return nil
}

func (t *admission) leave(client netip.Addr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all--
	if t.from[client]--; t.from[client] == 0 {
		delete(t.from, client)
	}
	close(t.changed)
	t.changed = make(chan struct{})
}
