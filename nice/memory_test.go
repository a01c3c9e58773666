package nice

import (
	"runtime"
	"runtime/debug"
	"testing"
)

// The collector keeps a large heap small while anybody spares, leaves a small one alone,
// and is as it was when the last has ended, by a panic too.
func TestSparing(t *testing.T) {
	const usual = 100
	defer debug.SetGCPercent(debug.SetGCPercent(usual))
	is := func(want uint64) {
		t.Helper()
		if got := measured("/gc/gogc:percent"); got != want {
			t.Errorf("the heap may grow by %d %%, want %d", got, want)
		}
	}
	ballast := make([]byte, 8*spare)
	for range 2 {
		first := Sparing()
		for measured("/gc/gogc:percent") == usual {
			runtime.GC() // after which the pace is set by and by
		}
		is(leastGrowth)
		func() {
			defer func() { _ = recover() }()
			defer Sparing()()
			panic("mine")
		}()
		is(leastGrowth)
		first()
		first()
		is(usual)
		runtime.GC()
		is(usual)
	}
	runtime.KeepAlive(ballast)

	debug.SetGCPercent(-1)
	end := Sparing()
	is(1<<64 - 1)
	end()
	is(1<<64 - 1)
}

// Where little is in use nothing is collected earlier.
func TestSparingLittle(t *testing.T) {
	p := pace{usual: 100}
	for live, want := range map[uint64]int{0: 100, 1 << 20: 100, spare: 100, 2 * spare: 50, 100 * spare: leastGrowth} {
		if got := p.percent(live); got != want {
			t.Errorf("%d octets in use may grow by %d %%, want %d", live, got, want)
		}
	}
}
