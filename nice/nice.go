// Package nice keeps bulk work out of the way of those who answer queries: it
// runs on operating system threads of its own, of low priority. Imports, the
// following of the list and web lookups all need it, in rooms that do not know
// each other; so it stands beside them, and imports nothing. Beside one busy
// goroutine the 99th percentile of a DNS answer was 16 ms, on such a thread 3.
package nice

import "runtime"

// niceness is how much such a thread yields to the others (setpriority(2)).
const niceness = 10

// Forever puts the goroutine that calls it on a thread of its own, of low
// priority, for good. The thread ends with the goroutine.
func Forever() {
	runtime.LockOSThread() // never unlocked: the thread is not fit for other work
	lower()
}

// Prompt puts the goroutine that calls it on a thread of its own, for good, that runs
// soon after it wakes, whatever else is at work: bulk work, a collection. The thread
// takes the processor from others whose turn is longer than its own, and has no more
// of it in all.
func Prompt() {
	runtime.LockOSThread()
	shorten()
}

// Do runs f on a thread of low priority and waits for it. A panic of f is the caller's.
func Do(f func()) {
	done := make(chan any)
	go func() {
		Forever()
		Into(done, f)
	}()
	if p := <-done; p != nil {
		panic(p)
	}
}

// Into runs f and sends what it panicked with, nil if it did not, for whoever waits
// to panic with.
func Into(done chan<- any, f func()) {
	defer func() { done <- recover() }()
	f()
}
