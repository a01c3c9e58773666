package files

import (
	"sync"
	"time"
)

// Again is what files say, read again now and then, so that renewing them takes no
// restart. Its methods may be called at once.
type Again[T any] struct {
	read   func() (T, error)
	failed func(error)

	mu     sync.Mutex
	value  T
	looked time.Time
}

// lookAgain is how often the files are read.
const lookAgain = time.Minute

// ReadAgain reads files, which must succeed the first time. What cannot be read later
// is said to failed, and leaves the value before it in use.
func ReadAgain[T any](read func() (T, error), failed func(error)) (*Again[T], error) {
	value, err := read()
	return &Again[T]{read: read, failed: failed, value: value, looked: time.Now()}, err
}

// Get is what the files say.
func (a *Again[T]) Get() T {
	a.mu.Lock()
	defer a.mu.Unlock()
	if time.Since(a.looked) >= lookAgain {
		a.looked = time.Now()
		if value, err := a.read(); err != nil {
			a.failed(err)
		} else {
			a.value = value
		}
	}
	return a.value
}
