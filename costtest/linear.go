// Package costtest holds the readers of strangers' bytes to a price, in tests: twice
// the input costs at most two and a half times the work, else somebody who may send
// much can make it cost what he likes.
package costtest

import (
	"bytes"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// factor is how much longer the long input is: three times doubled.
const factor = 8

// tooMuch is the work for the long input, over that for as many octets in short
// ones, at which each doubling costs more than two and a half times: (2.5/2)³.
// Linear work comes to 1, and quadratic work to 8.
const tooMuch = 1.95

// certain is the ratio that fails a test which never came under tooMuch: caches and the
// collector cost the long input up to 2.5 where all cores are busy. What is quadratic in
// a part of the input is further up.
const certain = 3.5

// certainOfRace is that ratio where the race detector looks on. It gives its shadow of a
// large object back to the system with the object, so that each new one is faulted in
// page by page: io.ReadAll alone, of 256 KB and of as many octets in parts of 32 KB,
// comes to 3.7.
const certainOfRace = 5.5

// Linear fails a test if read is not linear in its input, which is before, as often
// as it takes to come to size octets what is in piece, and after.
//
// Processors here count no instructions, so work is the time that this thread had a
// processor, and one such time says nothing. But the long input and the short ones
// that make up the same octets are read in turn, and the least of each is compared,
// until the price is kept: what else the machine does makes the test longer, not
// red. Only work that is too much in forty rounds out of forty is.
func Linear(t *testing.T, size int, before, piece, after string, read func(input []byte)) {
	t.Helper()
	fill := func(size int) []byte {
		return append(append([]byte(before), bytes.Repeat([]byte(piece), max(1, size/len(piece)))...), after...)
	}
	short, long := fill(size/factor), fill(size)
	const rounds = 40
	var least [2]int64
	for range rounds {
		for n, once := range []func(){func() { read(long) }, func() {
			for range factor {
				read(short)
			}
		}} {
			if took := work(t, once); least[n] == 0 || took < least[n] {
				least[n] = took
			}
		}
		if float64(least[0]) <= tooMuch*float64(least[1]) {
			return
		}
	}
	limit := certain
	if raceDetector {
		limit = certainOfRace
	}
	if float64(least[0]) <= limit*float64(least[1]) {
		return
	}
	t.Errorf("%q and %.60q %d times cost %.1f times as much as linear work would", before, piece, size/len(piece), float64(least[0])/float64(least[1]))
}

// work is how long this thread runs to do something, in nanoseconds.
func work(t *testing.T, something func()) int64 {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, after unix.Timespec
	err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &before)
	something()
	if err == nil {
		err = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &after)
	}
	if err != nil {
		t.Fatal(err)
	}
	return max(1, after.Nano()-before.Nano())
}
