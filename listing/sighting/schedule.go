package sighting

import (
	"container/heap"
	"time"
)

// schedule is a heap of visits, the earliest on top: which places are to be looked at again, and when.
type schedule []visit

type visit struct {
	at    time.Time
	place place
	host  uint64
}

func (a schedule) Len() int           { return len(a) }
func (a schedule) Less(i, j int) bool { return a[i].at.Before(a[j].at) }
func (a schedule) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }

// Push and Pop are for container/heap.
func (a *schedule) Push(x any) { *a = append(*a, x.(visit)) }

// Pop takes the last.
func (a *schedule) Pop() any {
	last := len(*a) - 1
	x := (*a)[last]
	*a = (*a)[:last]
	return x
}

func (a *schedule) add(at time.Time, p place, host uint64) {
	heap.Push(a, visit{at, p, host})
}

// next takes what has come due.
func (a *schedule) next(now time.Time) (visit, bool) {
	if len(*a) == 0 || (*a)[0].at.After(now) {
		return visit{}, false
	}
	return heap.Pop(a).(visit), true
}

func (a *schedule) addAll(at time.Time, p place, hosts []uint64) {
	for _, h := range hosts {
		a.add(at, p, h)
	}
}
