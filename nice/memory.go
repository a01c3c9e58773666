package nice

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// Sparing keeps what bulk work leaves behind small, until its end is called: the
// collector lets a heap grow to twice what is in use, which beside a large import is
// more than the list. A heap grows by a fifth then, or by spare if that is more, so
// that nothing is paid while it is small. Several at once are as one.
func Sparing() (end func()) {
	collector.begin()
	return sync.OnceFunc(collector.end)
}

const (
	spare       = 32 << 20
	leastGrowth = 20 // percent
)

// collector is that of the process, of which there is one.
var collector pace

// pace is how much the collector lets the heap grow, while somebody spares.
type pace struct {
	mu    sync.Mutex
	users int
	usual int  // percent without them; -1: it is off, and stays off
	waits bool // for a collection
}

func (p *pace) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.users++; p.users == 1 {
		if p.usual = int(measured("/gc/gogc:percent")); p.usual > 0 {
			p.tune()
		}
	}
}

func (p *pace) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.users--; p.users == 0 && p.usual > 0 {
		debug.SetGCPercent(p.usual)
	}
}

// tune sets the pace by what the last collection has left, and again after the next.
func (p *pace) tune() {
	if percent := p.percent(measured("/gc/heap/live:bytes")); percent != int(measured("/gc/gogc:percent")) {
		debug.SetGCPercent(percent)
	}
	if p.waits {
		return
	}
	p.waits = true
	runtime.AddCleanup(new(*pace), func(p *pace) { // of what the next collection finds unused
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.waits = false; p.users > 0 {
			p.tune()
		}
	}, p)
}

// percent is how much a heap may grow of which so many octets are in use.
func (p *pace) percent(live uint64) int {
	return min(p.usual, max(leastGrowth, int(100*spare/max(live, 1))))
}

// measured is a figure of the runtime; 1<<64-1 is what it says of a collector that is off.
func measured(name string) uint64 {
	s := []metrics.Sample{{Name: name}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}
