package sighting

import (
	"container/heap"
	"time"
)

// agenda is which places are to be looked at again, and when.
type agenda []appointment

type appointment struct {
	at    time.Time
	place place
	host  uint64
}

func (a agenda) Len() int           { return len(a) }
func (a agenda) Less(i, j int) bool { return a[i].at.Before(a[j].at) }
func (a agenda) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }

// Push and Pop are for container/heap.
func (a *agenda) Push(x any) { *a = append(*a, x.(appointment)) }

// Pop takes the last.
func (a *agenda) Pop() any {
	last := len(*a) - 1
	x := (*a)[last]
	*a = (*a)[:last]
	return x
}

func (a *agenda) add(at time.Time, p place, host uint64) {
	heap.Push(a, appointment{at, p, host})
}

// next takes what has come due.
func (a *agenda) next(now time.Time) (appointment, bool) {
	if len(*a) == 0 || (*a)[0].at.After(now) {
		return appointment{}, false
	}
	return heap.Pop(a).(appointment), true
}

func (a *agenda) addAll(at time.Time, p place, hosts []uint64) {
	for _, h := range hosts {
		a.add(at, p, h)
	}
}
